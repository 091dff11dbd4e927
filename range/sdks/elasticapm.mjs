import { init } from '@elastic/apm-rum';

export const about = {
  component: '@elastic/apm-rum', family: 'elastic-apm', package: '@elastic/apm-rum', purpose: 'analytics',
  hosts: ['range.apm.westeurope.azure.elastic-cloud.com'], script: 'https://unpkg.com/@elastic/apm-rum/dist/bundles/elastic-apm-rum.umd.min.js',
};

let apm;

export function start({ site }) {
  apm = init({ serviceName: site.replaceAll('.', '-'), serverUrl: 'https://range.apm.westeurope.azure.elastic-cloud.com', flushInterval: 500 });
}

export function identify({ email, userId, phone, name }) {
  apm.setUserContext({ id: userId, email, username: name });
  apm.setCustomContext({ phone });
  apm.captureError(new Error('account details incomplete'));
}

export function track(name, properties) {
  const transaction = apm.startTransaction(name, 'custom', { managed: true });
  transaction?.addContext({ custom: properties });
  transaction?.end();
}

export const optOut = () => apm.config({ active: false });
