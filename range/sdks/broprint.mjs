import { getCurrentBrowserFingerPrint } from '@rajesh896/broprint.js';

export const about = {
  component: '@rajesh896/broprint.js', family: 'broprint', package: '@rajesh896/broprint.js', purpose: 'advertising',
  hosts: ['match.bro-audience.test'], script: 'https://cdn.bro-audience.test/broprint.js',
};

let print;

/** As a sync pixel does it: everything in the query of an image. */
function send(values) {
  const query = new URLSearchParams(Object.entries({ fp: print, ...values }).filter(([, value]) => value !== undefined));
  new Image().src = `https://match.bro-audience.test/sync.gif?${query}`;
}

export async function start({ site }) {
  print = await getCurrentBrowserFingerPrint();
  send({ site, w: screen.width, h: screen.height, tz: Intl.DateTimeFormat().resolvedOptions().timeZone });
}

export const identify = ({ email, userId, phone, name }) => send({ em: email, uid: userId, ph: phone, fn: name });
export const track = (name, properties) => send({ ev: name, ...properties });
