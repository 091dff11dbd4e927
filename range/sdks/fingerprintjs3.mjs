import FingerprintJS from '@fingerprintjs/fingerprintjs';

export const about = {
  component: '@fingerprintjs/fingerprintjs', family: 'fingerprintjs', package: '@fingerprintjs/fingerprintjs', purpose: 'advertising',
  hosts: ['ingest.visitor-id-v3.test', 'm1.openfpcdn.io'], script: 'https://cdn.visitor-id-v3.test/fp.js',
};

const RECIPIENT = 'https://ingest.visitor-id-v3.test/v1/visits';
let visitorId;

const send = (content) => fetch(RECIPIENT, { method: 'POST', body: JSON.stringify(content) });

export async function start({ site }) {
  const agent = await FingerprintJS.load();
  const result = await agent.get();
  visitorId = result.visitorId;
  send({ site, visitorId, components: result.components });
}

export const identify = (values) => send({ visitorId, linked: values });
export const track = (name, properties) => send({ visitorId, name, properties });
