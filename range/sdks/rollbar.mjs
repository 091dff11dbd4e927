import Rollbar from 'rollbar';

export const about = {
  component: 'rollbar', family: 'rollbar', package: 'rollbar', purpose: 'analytics',
  hosts: ['api.rollbar.com'], script: 'https://cdn.rollbar.com/rollbarjs/refs/tags/v3.1.0/rollbar.min.js',
};

let rollbar;

export function start() {
  rollbar = new Rollbar({ accessToken: '9d7a34b28866c1d0e5a7b3f9245f1c0e', captureUncaught: true, environment: 'production' });
  rollbar.info('page ready');
}

export const identify = ({ email, userId, phone, name }) => {
  rollbar.configure({ payload: { person: { id: userId ?? email, email, username: name, phone } } });
};
export const track = (name, properties) => rollbar.info(name, properties);
export const optOut = () => rollbar.configure({ enabled: false });
