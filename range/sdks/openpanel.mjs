import { OpenPanel } from '@openpanel/web';

export const about = {
  component: '@openpanel/web', family: 'openpanel', package: '@openpanel/web', purpose: 'analytics',
  hosts: ['api.openpanel.dev'], script: 'https://openpanel.dev/op1.js',
};

let panel;

export function start() {
  panel = new OpenPanel({ clientId: '8c2e6512-c0e9-47a3-b4d1-f8e5c20971d4', trackScreenViews: true, trackOutgoingLinks: true });
}

export const identify = ({ email, userId, phone, name }) => (
  panel.identify({ profileId: userId ?? email, email, firstName: name, properties: { phone } })
);
export const track = (name, properties) => panel.track(name, properties);
