import { BrowserAgent } from '@newrelic/browser-agent/loaders/browser-agent';

const ACCEPTED = {
  app: { agents: [{ entityGuid: 'NDIwMXxCUk9XU0VSfEFQUExJQ0FUSU9OfDYwMTM1MjkxNw' }], nrServerTime: 1735689600000 },
  st: 1, err: 1, ins: 1, spa: 1, sr: 0, srs: 0, log: 0, logapi: 0, loaded: 1,
};

export const about = {
  component: '@newrelic/browser-agent', family: 'newrelic', package: '@newrelic/browser-agent', purpose: 'analytics',
  hosts: ['bam.nr-data.net'], script: 'https://js-agent.newrelic.com/nr-loader-spa-1.322.0.min.js',
  answers: [{ path: /^\/1\//, type: 'application/json', body: JSON.stringify(ACCEPTED) }],
};

const APPLICATION = '601352917';
const LICENCE = 'NRJS-4c1d7e9a0b3f52864ad';
let agent;

export function start() {
  agent = new BrowserAgent({
    init: {
      distributed_tracing: { enabled: true }, privacy: { cookies_enabled: true },
      ajax: { deny_list: ['bam.nr-data.net'] }, harvest: { interval: 2 },
    },
    info: { beacon: 'bam.nr-data.net', errorBeacon: 'bam.nr-data.net', licenseKey: LICENCE, applicationID: APPLICATION, sa: 1 },
    loader_config: { accountID: '4201', trustKey: '4201', agentID: APPLICATION, licenseKey: LICENCE, applicationID: APPLICATION },
  });
}

export function identify({ email, userId, phone, name }) {
  if (userId) agent.setUserId(userId);
  for (const [key, value] of Object.entries({ email, phone, name })) if (value) agent.setCustomAttribute(`account_${key}`, value);
  agent.addPageAction('sign_in');
}

export const track = (name, properties) => agent.addPageAction(name, properties);
