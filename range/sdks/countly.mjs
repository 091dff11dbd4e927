import countly from 'countly-sdk-web';

export const about = {
  component: 'countly-sdk-web', family: 'countly', package: 'countly-sdk-web', purpose: 'analytics',
  hosts: ['stats.countly-range.test'], answers: [{ path: /^\/i$/, type: 'application/json', body: '{"result":"Success"}' }],
  script: 'https://stats.countly-range.test/sdk/web/countly.min.js',
};

let Countly;

export function start() {
  Countly = countly.default;
  Countly.init({ app_key: '1c7d5e9a0b3f52864ad1c0e97b35f8d29a61e4c7', url: 'https://stats.countly-range.test', interval: 500 });
  Countly.track_sessions();
  Countly.track_pageview();
}

export function identify({ email, userId, phone, name }) {
  if (userId) Countly.set_id(userId);
  Countly.user_details({ email, phone, name });
}

export const track = (name, properties) => Countly.add_event({ key: name, count: 1, segmentation: properties });
export const optOut = () => Countly.opt_out();
