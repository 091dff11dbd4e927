import * as ackee from 'ackee-tracker';

const ACCEPTED = { data: { createRecord: { payload: { id: '4c1d7e9a' } }, createAction: { payload: { id: '0b3f5286' } } } };

export const about = {
  component: 'ackee-tracker', family: 'ackee', package: 'ackee-tracker', purpose: 'analytics',
  hosts: ['ackee.analytics-range.test'], script: 'https://ackee.analytics-range.test/tracker.js',
  answers: [{ path: /^\/api$/, type: 'application/json', body: JSON.stringify(ACCEPTED) }],
};

const DOMAIN = 'd11f8206-68a1-41e6-8047-79c0c2d9bce0';
const EVENT = '0c7d5e9a-0b3f-4286-84ad-1c0e97b35f8d';
let instance;

export function start() {
  instance = ackee.create('https://ackee.analytics-range.test', { detailed: true, ignoreLocalhost: false, ignoreOwnVisits: false });
  instance.record(DOMAIN);
}

export const identify = ({ email, userId }) => instance.action(EVENT, { key: email ?? userId, value: 1 });
export const track = (name) => instance.action(EVENT, { key: name, value: 1 });
