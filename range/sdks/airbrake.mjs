import { Notifier } from '@airbrake/browser';

export const about = {
  component: '@airbrake/browser', family: 'airbrake', package: '@airbrake/browser', purpose: 'analytics',
  hosts: ['api.airbrake.io', 'notifier-configs.airbrake.io'], script: 'https://cdn.jsdelivr.net/npm/@airbrake/browser@2/umd/airbrake.min.js',
};

let notifier;
let user = {};

export function start() {
  notifier = new Notifier({ projectId: 420135, projectKey: '4c1d7e9a0b3f52864ad1c0e97b35f8d2', environment: 'production' });
  notifier.addFilter((notice) => { notice.context.user = user; return notice; });
  notifier.notify(new Error('image of the first page is missing'));
}

export function identify({ email, userId, phone, name }) {
  user = { id: userId, email, phone, name };
  notifier.notify(new Error('account details incomplete'));
}

export const track = (name, properties) => { notifier.notify({ error: new Error(name), params: properties }); };
