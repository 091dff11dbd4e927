import { record } from 'rrweb';

export const about = {
  component: 'rrweb', family: 'rrweb', package: 'rrweb', purpose: 'analytics',
  hosts: ['events.replay-range.test'], script: 'https://cdn.replay-range.test/rrweb.min.js',
};

let stop;
let waiting = [];
let user = {};

function flush() {
  if (!waiting.length) return;
  const body = JSON.stringify({ user, events: waiting });
  waiting = [];
  fetch('https://events.replay-range.test/v1/events', { method: 'POST', headers: { 'content-type': 'text/plain' }, body });
}

export function start() {
  stop = record({ emit: (event) => waiting.push(event), maskAllInputs: false });
  const timer = setInterval(flush, 500);
  const end = stop;
  stop = () => { clearInterval(timer); end(); };
}

export function identify(values) {
  user = values;
  record.addCustomEvent('identify', values);
}

export const track = (name, properties) => record.addCustomEvent(name, properties);
export const optOut = () => stop();
