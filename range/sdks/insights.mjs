import { init, parameters, track as send, trackPages } from 'insights-js';

export const about = {
  component: 'insights-js', family: 'insights-js', package: 'insights-js', purpose: 'analytics',
  hosts: ['getinsights.io'], script: 'https://unpkg.com/insights-js@1',
};

const device = () => ({ locale: parameters.locale(), screen: parameters.screenType(), referrer: parameters.referrer() });

export function start() {
  init('4c1d7e9a0b3f5286', { ignoreErrors: true });
  trackPages();
}

export const identify = ({ email, userId, phone, name }) => send({ id: 'sign_in', parameters: { ...device(), email, user_id: userId, phone, name } });
export const track = (name, properties) => send({ id: name, parameters: { ...device(), ...properties } });
