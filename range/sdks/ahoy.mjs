import ahoy from 'ahoy.js';

export const about = {
  component: 'ahoy.js', family: 'ahoy', package: 'ahoy.js', purpose: 'analytics',
  hosts: ['events.ahoy-range.test'], script: 'https://events.ahoy-range.test/assets/ahoy.js',
};

export function start() {
  ahoy.configure({ urlPrefix: 'https://events.ahoy-range.test', trackVisits: true, withCredentials: true });
  ahoy.trackView();
}

export const identify = ({ email, userId, phone, name }) => ahoy.track('sign_in', { email, user_id: userId, phone, name });
export const track = (name, properties) => ahoy.track(name, properties);
