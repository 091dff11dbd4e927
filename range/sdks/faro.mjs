import { faro, initializeFaro } from '@grafana/faro-web-sdk';

export const about = {
  component: '@grafana/faro-web-sdk', family: 'faro', package: '@grafana/faro-web-sdk', purpose: 'analytics',
  hosts: ['faro-collector-prod-eu-west-2.grafana.net'], script: 'https://unpkg.com/@grafana/faro-web-sdk@2/dist/bundle/faro-web-sdk.iife.js',
};

export const start = ({ site }) => initializeFaro({
  url: 'https://faro-collector-prod-eu-west-2.grafana.net/collect/4ad1c0e97b35f8d29a61e4c71c7d5e9a',
  app: { name: site, version: '1.0.0' }, batching: { enabled: true, sendTimeout: 500 },
});

export const identify = ({ email, userId, phone, name }) => {
  faro.api.setUser({ id: userId, email, username: name, attributes: phone ? { phone } : {} });
};
export const track = (name, properties = {}) => {
  faro.api.pushEvent(name, Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, String(value)])));
};
export const optOut = () => faro.pause();
