import { StatsigClient } from '@statsig/js-client';

const VALUES = { feature_gates: {}, dynamic_configs: {}, layer_configs: {}, has_updates: true, time: 1735689600000, hash_used: 'djb2' };

export const about = {
  component: '@statsig/js-client', family: 'statsig', package: '@statsig/js-client', purpose: 'analytics',
  hosts: ['featureassets.org', 'prodregistryv2.org'], script: 'https://cdn.jsdelivr.net/npm/@statsig/js-client@3/build/statsig-js-client.min.js',
  answers: [{ path: /\/v1\/initialize/, type: 'application/json', body: JSON.stringify(VALUES) }],
};

let client;

export async function start() {
  client = new StatsigClient('client-rangeKey7c1d5e9a0b3f', {}, { loggingIntervalMs: 1000 });
  await client.initializeAsync();
}

export const identify = ({ email, userId, phone, name }) => client.updateUserAsync({ userID: userId, email, custom: { phone, name } });
export function track(name, properties) {
  client.checkGate('new_checkout');
  client.logEvent(name, undefined, properties);
}
export const optOut = () => client.updateRuntimeOptions({ loggingEnabled: 'disabled' });
