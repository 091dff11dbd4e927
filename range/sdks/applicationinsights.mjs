import { ApplicationInsights } from '@microsoft/applicationinsights-web';

export const about = {
  component: '@microsoft/applicationinsights-web', family: 'applicationinsights', package: '@microsoft/applicationinsights-web', purpose: 'analytics',
  hosts: ['westeurope-5.in.applicationinsights.azure.com', 'js.monitor.azure.com'], script: 'https://js.monitor.azure.com/scripts/b/ai.3.gbl.min.js',
};

let insights;

export function start() {
  const connectionString = 'InstrumentationKey=0b7f3c52-1d94-4a6e-9c08-5e2a7d41f3b6;'
    + 'IngestionEndpoint=https://westeurope-5.in.applicationinsights.azure.com/';
  insights = new ApplicationInsights({ config: { connectionString, maxBatchInterval: 500 } });
  insights.loadAppInsights();
  insights.trackPageView();
}

export function identify({ email, userId, phone, name }) {
  if (userId) insights.setAuthenticatedUserContext(userId.replace(/[,;=| ]/g, '_'), undefined, true);
  insights.trackEvent({ name: 'sign_in' }, { email, phone, name });
}

export const track = (name, properties) => insights.trackEvent({ name }, properties);
export const optOut = () => insights.addTelemetryInitializer(() => false);
