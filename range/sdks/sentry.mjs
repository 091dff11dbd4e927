import * as Sentry from '@sentry/browser';

const HOST = 'o4507.ingest.us.sentry.io';
const KEY = '9a1f7c3e5b2d4860a7c9e1f3b5d70824';

export const about = {
  component: '@sentry/browser', family: 'sentry', package: '@sentry/browser', purpose: 'analytics',
  hosts: [HOST], script: 'https://browser.sentry-cdn.com/11/bundle.min.js',
};

export function start() {
  Sentry.init({
    dsn: `https://${KEY}@${HOST}/4507001`, tracesSampleRate: 1,
    integrations: [Sentry.browserTracingIntegration()],
  });
}

export const identify = ({ email, userId, phone, name }) => Sentry.setUser({ id: userId, email, username: name, phone });
export const track = (name, properties) => Sentry.captureMessage(name, { level: 'info', extra: properties });
export const optOut = () => Sentry.close(0);
