import Bugsnag from '@bugsnag/js';

export const about = {
  component: '@bugsnag/js', family: 'bugsnag', package: '@bugsnag/js', purpose: 'analytics',
  hosts: ['sessions.bugsnag.com', 'notify.bugsnag.com'], script: 'https://d2wy8f7a9ursnm.cloudfront.net/v9/bugsnag.min.js',
};

export const start = () => Bugsnag.start({ apiKey: '7c1d5e9a0b3f52864ad1c0e97b35f8d2', logger: null });
export function identify({ email, userId, phone, name }) {
  Bugsnag.setUser(userId, email, name);
  Bugsnag.addMetadata('account', { phone });
}
export const track = (name, properties) => Bugsnag.notify(new Error(name), (event) => event.addMetadata('event', properties ?? {}));
