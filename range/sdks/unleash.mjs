import { UnleashClient } from 'unleash-proxy-client';

const TOGGLES = { toggles: [{ name: 'new_checkout', enabled: true, variant: { name: 'disabled', enabled: false }, impressionData: false }] };

export const about = {
  component: 'unleash-proxy-client', family: 'unleash', package: 'unleash-proxy-client', purpose: 'analytics',
  hosts: ['eu.app.unleash-hosted.com'], script: 'https://unpkg.com/unleash-proxy-client@3/build/main.min.js',
  answers: [{ path: /\/api\/frontend$/, type: 'application/json', body: JSON.stringify(TOGGLES) }],
};

let client;

export async function start({ site }) {
  client = new UnleashClient({
    url: 'https://eu.app.unleash-hosted.com/range/api/frontend', clientKey: 'default:production.4c1d7e9a0b3f52864ad1', appName: site,
    metricsInterval: 2, metricsIntervalInitial: 1,
  });
  await client.start();
}

export const identify = ({ email, userId, phone, name }) => client.updateContext({ userId: userId ?? email, properties: { email, phone, name } });
export const track = () => { client.isEnabled('new_checkout'); };
export const optOut = () => client.stop();
