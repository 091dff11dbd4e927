import * as snowplow from '@snowplow/browser-tracker';

export const about = {
  component: '@snowplow/browser-tracker', family: 'snowplow', package: '@snowplow/browser-tracker', purpose: 'analytics',
  hosts: ['collector.snowplow-range.test'], script: 'https://cdn.snowplow-range.test/sp.js',
};

export function start({ site }) {
  snowplow.newTracker('range', 'https://collector.snowplow-range.test', { appId: site });
  snowplow.trackPageView();
}

export function identify({ email, userId, phone, name }) {
  if (userId) snowplow.setUserId(userId);
  snowplow.trackSelfDescribingEvent({ event: { schema: 'iglu:test.range/sign_in/jsonschema/1-0-0', data: { email, phone, name } } });
}

export function track(name, properties) {
  snowplow.trackSelfDescribingEvent({ event: { schema: `iglu:test.range/${name}/jsonschema/1-0-0`, data: properties } });
}
