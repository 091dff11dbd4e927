import { Pirsch } from 'pirsch-sdk/web';

export const about = {
  component: 'pirsch-sdk', family: 'pirsch', package: 'pirsch-sdk', purpose: 'analytics',
  hosts: ['api.pirsch.io'], script: 'https://cdn.jsdelivr.net/npm/pirsch-sdk@2/web.js',
};

let client;

export function start() {
  client = new Pirsch({ identificationCode: '4c1d7e9a0b3f52864ad1c0e97b35f8d2' });
  return client.hit();
}

export const identify = ({ email, userId, phone, name }) => client.event('sign_in', 0, { email, user_id: userId, phone, name });
export const track = (name, properties) => client.event(name, 0, properties);
