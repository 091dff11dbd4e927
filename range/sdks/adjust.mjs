import Adjust from '@adjustcom/adjust-web-sdk';

export const about = {
  component: '@adjustcom/adjust-web-sdk', family: 'adjust', package: '@adjustcom/adjust-web-sdk', purpose: 'advertising',
  hosts: ['app.adjust.com', 'gdpr.adjust.com'], script: 'https://cdn.adjust.com/adjust-latest.min.js',
};

const callbacks = (properties) => Object.entries(properties ?? {})
  .filter(([, value]) => value !== undefined).map(([key, value]) => ({ key, value: String(value) }));

export const start = () => Adjust.initSdk({ appToken: '4w565xzmb54d', environment: 'production', logLevel: 'none' });

export function identify({ email, userId, phone, name }) {
  Adjust.addGlobalCallbackParameters(callbacks({ email, user_id: userId, phone, name }));
  Adjust.trackEvent({ eventToken: 'f0ob4r' });
}

export const track = (name, properties) => Adjust.trackEvent({ eventToken: 'z1y2x3', callbackParams: callbacks({ name, ...properties }) });
export const optOut = () => Adjust.gdprForgetMe();
