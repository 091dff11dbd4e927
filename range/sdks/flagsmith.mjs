import flagsmith from 'flagsmith';

export const about = {
  component: 'flagsmith', family: 'flagsmith', package: 'flagsmith', purpose: 'analytics',
  hosts: ['edge.api.flagsmith.com'], script: 'https://cdn.jsdelivr.net/npm/flagsmith@10/index.js',
  answers: [
    { path: /\/flags\/$/, type: 'application/json', body: '[]' },
    { path: /\/identities\/$/, type: 'application/json', body: '{"flags":[],"traits":[]}' },
  ],
};

export const start = () => flagsmith.init({ environmentID: '4c1d7e9a0b3f52864ad1c0', cacheFlags: true });
export const identify = ({ email, userId, phone, name }) => flagsmith.identify(userId ?? email, { email, phone, name });
export const track = (name, properties) => flagsmith.setTraits({ last_action: name, ...properties });
