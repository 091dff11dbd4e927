import { GrowthBook } from '@growthbook/growthbook';
import { autoAttributesPlugin, growthbookTrackingPlugin } from '@growthbook/growthbook/plugins';

export const about = {
  component: '@growthbook/growthbook', family: 'growthbook', package: '@growthbook/growthbook', purpose: 'analytics',
  hosts: ['cdn.growthbook.io', 'us-east-1.gb-ingest.com'], script: 'https://cdn.jsdelivr.net/npm/@growthbook/growthbook@1/dist/bundles/index.min.js',
  answers: [{
    host: 'cdn.growthbook.io', path: /\/api\/features\//, type: 'application/json',
    body: '{"status":200,"features":{},"dateUpdated":"2025-01-02T00:00:00Z"}',
  }],
};

let growthbook;

export async function start() {
  growthbook = new GrowthBook({
    clientKey: 'sdk-rangeKey8c2e', plugins: [autoAttributesPlugin(), growthbookTrackingPlugin({ queueFlushInterval: 500 })],
  });
  await growthbook.init({ timeout: 2000 });
  growthbook.logEvent('Page View');
}

export async function identify({ email, userId, phone, name }) {
  await growthbook.updateAttributes({ user_id: userId, email, phone, name });
  await growthbook.logEvent('Signed in');
}

export const track = (name, properties) => growthbook.logEvent(name, properties);
export const optOut = () => growthbook.destroy();
