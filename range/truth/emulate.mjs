/** Gives a browser context the profile of a visit: by Chromium's own emulation, and by device.js where there is none. */
import { readFileSync } from 'node:fs';

const text = (name) => readFileSync(new URL(name, import.meta.url), 'utf8').replace(/^(\/\/.*\n)+/, '').trim().replace(/;$/, '');
const MASK = text('mask.js');
const DEVICE = text('device.js');
const TRACER = text('tracer.js');
const TOOLBAR = 87; // pixels of browser above the page in a maximised window

const PLANTED = ['email', 'phone', 'name', 'user_id', 'visitor_id', 'shared_id'];

/** Options of browser.newContext for these values and this scenario. */
export function contextOptions({ screen, dpr, timezone, latitude, longitude }, gpc) {
  return {
    viewport: { width: screen.availWidth, height: screen.availHeight - TOOLBAR },
    screen: { width: screen.width, height: screen.height },
    deviceScaleFactor: dpr, timezoneId: timezone, serviceWorkers: 'block', ignoreHTTPSErrors: true,
    permissions: ['geolocation'], geolocation: { latitude, longitude, accuracy: 12 },
    ...(gpc ? { extraHTTPHeaders: { 'Sec-GPC': '1' } } : {}), // for versions of Chromium without the signal of their own
  };
}

/** User agent string and client hints of a Mac with these planted versions. */
function userAgent({ ua_version: version, os_version: os, languages }) {
  const [major] = version.split('.');
  const brands = (number) => [
    { brand: 'Chromium', version: number }, { brand: 'Google Chrome', version: number }, { brand: 'Not)A;Brand', version: '8' },
  ];
  return {
    userAgent: `Mozilla/5.0 (Macintosh; Intel Mac OS X ${os.replaceAll('.', '_')}) AppleWebKit/537.36 (KHTML, like Gecko) `
      + `Chrome/${version} Safari/537.36`,
    acceptLanguage: languages.join(','),
    platform: 'MacIntel',
    userAgentMetadata: {
      brands: brands(major), fullVersionList: brands(version), fullVersion: version, platform: 'macOS', platformVersion: os,
      architecture: 'x86', bitness: '64', model: '', mobile: false, wow64: false,
    },
  };
}

/**
 * Emulates the device on one page and starts the tracer in it, in all of its frames, from the next document on.
 * @param session CDP session of the page; it must stay attached as long as the emulation is wanted.
 * @param line called with each event of the tracer.
 */
export async function emulate(session, values, line) {
  session.on('Runtime.bindingCalled', ({ name, payload }) => {
    if (name === '__truthline') for (const event of JSON.parse(payload)) line(event);
  });
  const planted = Object.fromEntries(PLANTED.map((name) => [name, values[name]]));
  const device = { memory: values.memory, screen: values.screen, webgl: values.webgl, canvas: values.canvas };
  const source = `{ const mask = (${MASK})();\n(${DEVICE})(mask, ${JSON.stringify(device)});\n(${TRACER})(mask, ${JSON.stringify(planted)}); }`;
  await Promise.all([
    session.send('Emulation.setHardwareConcurrencyOverride', { hardwareConcurrency: values.cores }),
    session.send('Emulation.setUserAgentOverride', userAgent(values)),
    session.send('Emulation.setLocaleOverride', { locale: values.languages[0] }),
    session.send('Runtime.enable'),
    session.send('Runtime.addBinding', { name: '__truthline' }),
    session.send('Page.addScriptToEvaluateOnNewDocument', { source }),
  ]);
}
