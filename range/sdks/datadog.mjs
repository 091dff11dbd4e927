import { datadogRum } from '@datadog/browser-rum';

export const about = {
  component: '@datadog/browser-rum', family: 'datadog', package: '@datadog/browser-rum', purpose: 'analytics',
  hosts: ['browser-intake-datadoghq.eu'], script: 'https://www.datadoghq-browser-agent.com/eu1/v7/datadog-rum.js',
};

export function start({ site }) {
  datadogRum.init({
    applicationId: '6f2c9b1e-83d7-4e55-a0c4-17b9d8e3f260', clientToken: 'pub4c1d7e9a0b3f52864ad1c0e97b35f8d2', site: 'datadoghq.eu',
    service: site, sessionSampleRate: 100, sessionReplaySampleRate: 0, trackUserInteractions: true,
  });
}

export const identify = ({ email, userId, phone, name }) => datadogRum.setUser({ id: userId ?? email, email, phone, name });
export const track = (name, properties) => datadogRum.addAction(name, properties);
export const optOut = () => datadogRum.setTrackingConsent('not-granted');
