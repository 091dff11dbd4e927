import { Keen } from 'keen-tracking';

export const about = {
  component: 'keen-tracking', family: 'keen', package: 'keen-tracking', purpose: 'analytics',
  hosts: ['api.keen.io'], script: 'https://cdn.jsdelivr.net/npm/keen-tracking@5/dist/keen-tracking.min.js',
  answers: [{ path: /\/events\//, type: 'application/json', body: '{"created":true}' }],
};

let client;

export function start() {
  client = new Keen({ projectId: '5f1c0e9d7a34b28866c1d0e5', writeKey: '4C1D7E9A0B3F52864AD1C0E97B35F8D2' });
  client.initAutoTracking();
}

export function identify({ email, userId, phone, name }) {
  client.extendEvents({ account: { id: userId, email, phone, name } });
  return client.recordEvent('sign_in', {});
}

export const track = (name, properties) => client.recordEvent(name, properties);
