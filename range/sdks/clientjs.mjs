import { ClientJS } from 'clientjs';

export const about = {
  component: 'clientjs', family: 'clientjs', package: 'clientjs', purpose: 'advertising',
  hosts: ['collect.device-graph.test'], script: 'https://cdn.device-graph.test/client.min.js',
};

let fingerprint;

const send = (content) => navigator.sendBeacon('https://collect.device-graph.test/d', JSON.stringify(content));

export function start({ site }) {
  const client = new ClientJS();
  fingerprint = client.getFingerprint();
  send({
    site, fingerprint, browser: client.getBrowserData(), screen: client.getScreenPrint(), colorDepth: client.getColorDepth(),
    timeZone: client.getTimeZone(), language: client.getLanguage(), fonts: client.getFonts(),
    plugins: client.getPlugins(), canvas: client.getCanvasPrint(),
  });
}

export const identify = (values) => send({ fingerprint, linked: values });
export const track = (name, properties) => send({ fingerprint, name, properties });
