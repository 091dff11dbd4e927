import { track as send } from '@minimal-analytics/ga4';

export const about = {
  component: '@minimal-analytics/ga4', family: 'ga4', package: '@minimal-analytics/ga4', purpose: 'analytics',
  hosts: ['www.google-analytics.com'], script: 'https://unpkg.com/@minimal-analytics/ga4@1/dist/index.js',
};

const PROPERTY = 'G-4C1D7E9A0B';

const parameters = (properties) => Object.fromEntries(Object.entries(properties ?? {})
  .filter(([, value]) => value !== undefined).map(([key, value]) => [`ep.${key}`, value]));

export const start = () => send(PROPERTY);
export const identify = ({ email, userId, phone, name }) => {
  send(PROPERTY, { type: 'login', event: { ...(userId && { uid: userId }), ...parameters({ email, phone, name }) } });
};
export const track = (name, properties) => send(PROPERTY, { type: name, event: parameters(properties) });
