import { Thumbmark } from '@thumbmarkjs/thumbmarkjs';

export const about = {
  component: '@thumbmarkjs/thumbmarkjs', family: 'thumbmarkjs', package: '@thumbmarkjs/thumbmarkjs', purpose: 'analytics',
  hosts: ['risk.thumb-check.test', 'api.thumbmarkjs.com'], script: 'https://cdn.thumb-check.test/thumbmark.umd.js',
};

let mark;

const send = (content) => fetch('https://risk.thumb-check.test/api/session', { method: 'POST', body: JSON.stringify(content) });

export async function start({ site }) {
  const { thumbmark, components } = await new Thumbmark().get();
  mark = thumbmark;
  send({ site, thumbmark, components });
}

export const identify = (values) => send({ thumbmark: mark, account: values });
export const track = (name, properties) => send({ thumbmark: mark, name, properties });
