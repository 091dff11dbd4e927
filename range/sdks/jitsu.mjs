import { jitsuAnalytics } from '@jitsu/js';

export const about = {
  component: '@jitsu/js', family: 'jitsu', package: '@jitsu/js', purpose: 'analytics',
  hosts: ['range.d.jitsu.com'], script: 'https://range.d.jitsu.com/p.js',
};

let analytics;

export function start() {
  analytics = jitsuAnalytics({ host: 'https://range.d.jitsu.com', writeKey: 'rangeKey:4c1d7e9a0b3f5286' });
  analytics.page();
}

export const identify = ({ email, userId, phone, name }) => analytics.identify(userId ?? email, { email, phone, name });
export const track = (name, properties) => analytics.track(name, properties);
