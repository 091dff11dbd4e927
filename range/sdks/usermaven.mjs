import { usermavenClient } from '@usermaven/sdk-js';

export const about = {
  component: '@usermaven/sdk-js', family: 'jitsu', package: '@usermaven/sdk-js', purpose: 'analytics',
  hosts: ['events.usermaven.com'], script: 'https://t.usermaven.com/lib.js',
};

let client;

export function start() {
  client = usermavenClient({ key: 'UMrangeKey7a', trackingHost: 'https://events.usermaven.com', autocapture: true, autoPageview: true });
}

export const identify = ({ email, userId, phone, name }) => client.id({ id: userId ?? email, email, first_name: name, custom: { phone } });
export const track = (name, properties) => client.track(name, properties);
