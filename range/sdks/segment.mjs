import { AnalyticsBrowser } from '@segment/analytics-next';

const SETTINGS = {
  integrations: { 'Segment.io': { apiKey: 'rangeWriteKey', unbundledIntegrations: [], addBundledMetadata: true, versionSettings: {} } },
  plan: {},
};

export const about = {
  component: '@segment/analytics-next', family: 'segment', package: '@segment/analytics-next', purpose: 'analytics',
  hosts: ['cdn.segment.com', 'api.segment.io'], script: 'https://cdn.segment.com/analytics.js/v1/rangeWriteKey/analytics.min.js',
  answers: [{ host: 'cdn.segment.com', path: /\/settings$/, type: 'application/json', body: JSON.stringify(SETTINGS) }],
};

let analytics;

export async function start() {
  analytics = AnalyticsBrowser.load({ writeKey: 'rangeWriteKey' });
  await analytics.page();
}

export const identify = ({ email, userId, phone, name }) => analytics.identify(userId ?? email, { email, phone, name });
export const track = (name, properties) => analytics.track(name, properties);
