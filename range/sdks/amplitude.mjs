import * as amplitude from '@amplitude/analytics-browser';

export const about = {
  component: '@amplitude/analytics-browser', family: 'amplitude', package: '@amplitude/analytics-browser', purpose: 'analytics',
  hosts: ['api2.amplitude.com', 'sr-client-cfg.amplitude.com'], script: 'https://cdn.amplitude.com/libs/analytics-browser-2-min.js.gz',
};

export const start = () => amplitude.init('3f9b1c7d5e2a4806b9d1f7c3e5a20864', undefined, { flushIntervalMillis: 500, autocapture: true }).promise;

export function identify({ email, userId, phone, name }) {
  amplitude.setUserId(userId ?? email);
  const person = new amplitude.Identify();
  for (const [key, value] of Object.entries({ email, phone, name })) if (value) person.set(key, value);
  amplitude.identify(person);
}

export const track = (name, properties) => amplitude.track(name, properties);
export const optOut = () => amplitude.setOptOut(true);
