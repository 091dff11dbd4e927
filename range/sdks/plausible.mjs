import { init, track as send } from '@plausible-analytics/tracker';

export const about = {
  component: '@plausible-analytics/tracker', family: 'plausible', package: '@plausible-analytics/tracker', purpose: 'analytics',
  hosts: ['plausible.io'], script: 'https://plausible.io/js/script.js',
};

export function start({ site }) {
  window.__plausible = true; // the tracker's own switch for browsers under automation
  init({ domain: site, customProperties: () => ({ title: document.title }) });
}

export const identify = ({ email, userId, phone, name }) => send('sign_in', { props: { email, user_id: userId, phone, name } });
export const track = (name, properties = {}) => send(name, { props: properties });
