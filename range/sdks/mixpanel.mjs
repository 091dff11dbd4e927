import mixpanel from 'mixpanel-browser';

export const about = {
  component: 'mixpanel-browser', family: 'mixpanel', package: 'mixpanel-browser', purpose: 'analytics',
  hosts: ['api-js.mixpanel.com'], script: 'https://cdn.mxpnl.com/libs/mixpanel-2-latest.js',
};

export function start() {
  mixpanel.init('5f1c0e9d7a34b28866c1d0e5a7b3f924', { persistence: 'localStorage', batch_flush_interval_ms: 500, track_pageview: true });
}

export function identify({ email, userId, phone, name }) {
  mixpanel.identify(userId ?? email);
  mixpanel.people.set({ $email: email, $phone: phone, $name: name });
}

export const track = (name, properties) => mixpanel.track(name, properties);
export const optOut = () => mixpanel.opt_out_tracking();
