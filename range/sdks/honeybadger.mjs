import Honeybadger from '@honeybadger-io/js';

export const about = {
  component: '@honeybadger-io/js', family: 'honeybadger', package: '@honeybadger-io/js', purpose: 'analytics',
  hosts: ['api.honeybadger.io'], script: 'https://js.honeybadger.io/v6.16/honeybadger.min.js',
};

export function start() {
  Honeybadger.configure({ apiKey: 'hbp_4c1d7e9a0b3f52864ad1', environment: 'production' });
  Honeybadger.notify(new Error('image of the first page is missing'));
}

export function identify({ email, userId, phone, name }) {
  Honeybadger.setContext({ user_id: userId, user_email: email, user_phone: phone, user_name: name });
  Honeybadger.notify(new Error('account details incomplete'));
}

export const track = (name, properties) => Honeybadger.notify({ name, message: name, context: properties });
