import { RudderAnalytics } from '@rudderstack/analytics-js/bundled';

const SOURCE = {
  source: {
    id: 'rangeSource', name: 'range', writeKey: 'rangeWriteKey', enabled: true, workspaceId: 'rangeWorkspace', connections: [], destinations: [],
    config: { statsCollection: { errors: { enabled: false }, metrics: { enabled: false } } }, dataplanes: {},
  },
};

export const about = {
  component: '@rudderstack/analytics-js', family: 'rudderstack', package: '@rudderstack/analytics-js', purpose: 'analytics',
  hosts: ['api.rudderstack.com', 'range.dataplane.rudderstack.com'], script: 'https://cdn.rudderlabs.com/v3/modern/rsa.min.js',
  answers: [{ host: 'api.rudderstack.com', path: /\/sourceConfig/, type: 'application/json', body: JSON.stringify(SOURCE) }],
};

let analytics;

export function start() {
  analytics = new RudderAnalytics();
  analytics.load('rangeWriteKey000000000000000', 'https://range.dataplane.rudderstack.com');
  analytics.page();
}

export const identify = ({ email, userId, phone, name }) => analytics.identify(userId ?? email, { email, phone, name });
export const track = (name, properties) => analytics.track(name, properties);
