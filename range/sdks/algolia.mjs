import insights from 'search-insights';

export const about = {
  component: 'search-insights', family: 'algolia', package: 'search-insights', purpose: 'analytics',
  hosts: ['insights.algolia.io', 'insights.de.algolia.io'], script: 'https://cdn.jsdelivr.net/npm/search-insights@2/dist/search-insights.min.js',
};

export function start() {
  insights('init', { appId: 'R4NG3TE5T0', apiKey: '4c1d7e9a0b3f52864ad1c0e97b35f8d2', useCookie: true });
  insights('viewedFilters', { index: 'goods', eventName: 'Page viewed', filters: ['page:home'] });
}

export function identify({ email, userId, phone }) {
  insights('setAuthenticatedUserToken', (userId ?? email ?? phone).replace(/[^\w=/+-]/g, '_'));
  insights('convertedObjectIDs', { index: 'goods', eventName: 'Signed in', objectIDs: ['account'] });
}

export const track = (name) => insights('clickedObjectIDs', { index: 'goods', eventName: name, objectIDs: ['lantern'] });
export const optOut = () => insights('init', { appId: 'R4NG3TE5T0', apiKey: '4c1d7e9a0b3f52864ad1c0e97b35f8d2', userHasOptedOut: true });
