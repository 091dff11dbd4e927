import { init, trackEvent } from '@aptabase/web';

export const about = {
  component: '@aptabase/web', family: 'aptabase', package: '@aptabase/web', purpose: 'analytics',
  hosts: ['eu.aptabase.com'], script: 'https://cdn.jsdelivr.net/npm/@aptabase/web@0.5.0/dist/index.js',
};

export function start() {
  init('A-EU-4201352917', { appVersion: '1.0.0' });
  trackEvent('page_view', { path: location.pathname });
}

export const identify = ({ email, userId, phone, name }) => trackEvent('sign_in', { email, user_id: userId, phone, name });
export const track = (name, properties) => trackEvent(name, properties);
