import Tracker from '@openreplay/tracker';

const STARTED = {
  token: 'rangeToken', userUUID: '8c2e6512-c0e9-47a3-b4d1-f8e5c20971d4', sessionID: '4126509283147',
  beaconSizeLimit: 1000000, compressionThreshold: 24000,
  startTimestamp: 1735689600000, delay: 0, projectID: '17', features: { 'feature-flags': false, 'usability-test': false }, canvasEnabled: false,
};

export const about = {
  component: '@openreplay/tracker', family: 'openreplay', package: '@openreplay/tracker', purpose: 'analytics',
  hosts: ['api.openreplay.com'], script: 'https://static.openreplay.com/latest/openreplay.js',
  answers: [{ path: /\/v1\/web\/start$/, type: 'application/json', body: JSON.stringify(STARTED) }],
};

let tracker;

// Messages are handed to its worker about once a second, and the worker sends every half minute unless it is asked.
const flush = () => setTimeout(() => tracker.forceFlushBatch(), 1500);

export async function start() {
  tracker = new Tracker({ projectKey: 'rangeKey4c1d7e9a', obscureTextEmails: false, obscureInputEmails: false });
  await tracker.start();
}

export function identify({ email, userId, phone, name }) {
  tracker.setUserID(email ?? userId);
  for (const [key, value] of Object.entries({ account: userId, phone, name })) if (value) tracker.setMetadata(key, value);
  flush();
}

export function track(name, properties) {
  tracker.event(name, properties);
  flush();
}
export const optOut = () => tracker.stop();
