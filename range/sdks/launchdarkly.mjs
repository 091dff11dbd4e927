import * as LaunchDarkly from 'launchdarkly-js-client-sdk';

export const about = {
  component: 'launchdarkly-js-client-sdk', family: 'launchdarkly', package: 'launchdarkly-js-client-sdk', purpose: 'analytics',
  hosts: ['app.launchdarkly.com', 'events.launchdarkly.com', 'clientstream.launchdarkly.com'],
  script: 'https://unpkg.com/launchdarkly-js-client-sdk@3',
  answers: [{ host: 'app.launchdarkly.com', path: /\/sdk\/goals\//, type: 'application/json', body: '[]' }],
};

let client;

export async function start() {
  client = LaunchDarkly.initialize('6512c0e97a3b4d1f8e5c2097', { kind: 'user', anonymous: true }, { flushInterval: 2000 });
  await client.waitForInitialization(3).catch(() => undefined); // flags are not needed here, only what is sent
}

export const identify = ({ email, userId, phone, name }) => client.identify({ kind: 'user', key: userId ?? email, email, phone, name });
export const track = (name, properties) => client.track(name, properties);
export const optOut = () => client.close();
