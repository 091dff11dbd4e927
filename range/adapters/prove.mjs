/** Proves in Chromium on loopback that the adapters' bids go out: node adapters/prove.mjs [--per-page 150] [--only a,b] [--why] [--json FILE] */
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { parseArgs } from 'node:util';
import { generate } from 'selfsigned';
import { findChromium, launch } from '../browser.mjs';
import { person } from '../planted.mjs';
import { buildPrebid, listAdapters } from './index.mjs';

const SITE = 'https://prove.test/';
const SCRIPT = `${SITE}assets/prebid.js`;
const PAGE = '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Proof</title><link rel="icon" href="data:,">'
  + `<script src="${SCRIPT}"></script></head><body><h1>Proof</h1></body></html>`;
const TOLD = {
  email: person.email, userId: 'u-2f6c1a90', visitorId: person.visitorId, sharedId: '6f0d5d66-3f0b-4d5c-9a53-0c2f0b5a7c11',
  position: { latitude: person.latitude, longitude: person.longitude },
};
/** Chromium's own calls, which no page makes. */
const BACKGROUND = /^https:\/\/(?:update\.googleapis|accounts\.google|clients\d\.google|content-autofill\.googleapis)\.com\//;
const LEAST = { fired: 300, hosts: 350 };
const SETTLE_MS = 2500;
const AUCTION_MS = 12000;

/** A TLS server for every host name that serves the page and its script, takes everything else and notes it down. */
async function serve(script) {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'range.test' }], { keyType: 'ec', curve: 'P-256' });
  const seen = [];
  const server = createServer({ key, cert }, (request, response) => {
    const url = `https://${request.headers.host}${request.url}`;
    const cors = {
      'access-control-allow-origin': request.headers.origin ?? '*', 'access-control-allow-credentials': 'true',
      'access-control-allow-headers': request.headers['access-control-request-headers'] ?? 'content-type',
      'access-control-allow-methods': 'GET, POST, PUT, OPTIONS',
    };
    request.resume();
    const answers = { document: ['text/html', PAGE], iframe: ['text/html', '<!doctype html><title>sync</title>'], script: ['text/javascript', ''] };
    const [type, body] = url === SCRIPT ? ['text/javascript', script] : answers[request.headers['sec-fetch-dest']] ?? ['application/json', '{}'];
    if (request.method !== 'OPTIONS' && !url.startsWith(SITE) && !BACKGROUND.test(url)) seen.push(url);
    response.writeHead(request.method === 'OPTIONS' ? 204 : 200, { 'content-type': type, ...cors });
    response.end(request.method === 'OPTIONS' ? undefined : body);
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return {
    port: server.address().port, seen,
    close() { server.closeAllConnections(); return new Promise((resolve) => server.close(resolve)); },
  };
}

const hostOf = (url) => {
  try {
    return new URL(url, SITE).host;
  } catch {
    return null;
  }
};
/** The registrable domain, to the two- and three-label suffixes that the adapters' hosts have. */
const registrable = (host) => host.split('.').slice(/\.(?:co|com|net|org|or|ne)\.[a-z]{2}$/.test(host) ? -3 : -2).join('.');

/** Loads one page with the bidders and returns what was told and what arrived. */
async function load(executable, bidders, why) {
  const { text } = await buildPrebid({ bidders, minify: !why });
  const server = await serve(text);
  const browser = await launch(executable, server.port, { locale: 'en-IE', gpc: false });
  const told = [];
  const logged = [];
  try {
    const context = await browser.newContext({ viewport: { width: 1366, height: 768 }, serviceWorkers: 'block' });
    const page = await context.newPage();
    if (why) {
      page.on('console', (message) => logged.push(message.text()));
      page.on('pageerror', (error) => logged.push(`uncaught: ${error.message}`));
    }
    await page.exposeFunction('__truth', (note) => { told.push(note); });
    await page.goto(why ? `${SITE}?pbjs_debug=true` : SITE);
    const started = page.evaluate((given) => window.rangeTags['prebid.js'].start({ region: 'EU', told: given }), TOLD);
    const over = await Promise.race([started.then(() => true), page.waitForTimeout(AUCTION_MS)]);
    if (!over) console.log(`  the auction was not over after ${AUCTION_MS / 1000} s`);
    for (let before = -1, quiet = 0, waited = 0; quiet < 2 && waited < 10; waited += 1) {
      before = server.seen.length;
      await page.waitForTimeout(SETTLE_MS);
      quiet = server.seen.length === before ? quiet + 1 : 0;
    }
    return { told, logged, seen: server.seen };
  } finally {
    await browser.close();
    await server.close();
  }
}

/** Why a bidder sent nothing, in prebid.js's own words. */
function reason(bidder, told, logged) {
  if (!told.some((note) => note.bidder === bidder)) return 'was not asked';
  const line = logged.find((text) => text.includes(`Invalid bid sent to bidder ${bidder}:`));
  if (line) return `its isBidRequestValid refused ${line.split(`bidder ${bidder}:`)[1].trim().slice(0, 240)}`;
  const error = logged.find((text) => /ERROR: /.test(text) && text.includes(bidder));
  return error ? error.replace(/^.*?ERROR: /s, '').replace(/\s+/g, ' ').slice(0, 240) : 'built no request, or it did not arrive';
}

async function main() {
  const { values } = parseArgs({ options: {
    'per-page': { type: 'string', default: '150' }, only: { type: 'string' }, why: { type: 'boolean' }, json: { type: 'string' },
    aliases: { type: 'boolean' },
  } });
  const only = values.only?.split(',');
  const bidders = listAdapters()
    .filter(({ bidder, aliasOf }) => (only ? only.includes(bidder) : values.aliases || !aliasOf))
    .map(({ bidder }) => bidder);
  const size = Number(values['per-page']);
  if (!bidders.length || !(size > 0)) throw new Error('nothing to load: --only names no listed bidder, or --per-page is not a positive number');
  const executable = findChromium();
  const fired = new Map();
  const hosts = new Set();
  const silent = new Map();
  for (let from = 0; from < bidders.length; from += size) {
    const chosen = bidders.slice(from, from + size);
    const begun = Date.now();
    const { told, logged, seen } = await load(executable, chosen, values.why);
    const arrived = new Set(seen.map(hostOf));
    for (const host of arrived) hosts.add(host);
    for (const bidder of chosen) {
      const asked = told.filter((note) => note.bidder === bidder && note.phase === 'request').map(({ url }) => hostOf(url));
      const called = asked.filter((host) => arrived.has(host));
      if (called.length) fired.set(bidder, [...new Set(called)]);
      else silent.set(bidder, reason(bidder, told, logged));
    }
    const syncs = told.filter(({ phase }) => phase === 'sync').length;
    console.log(`bidders ${from + 1}-${from + chosen.length}: ${chosen.filter((bidder) => fired.has(bidder)).length} of ${chosen.length} fired, `
      + `${seen.length} requests, ${arrived.size} hosts, ${syncs} user syncs, ${((Date.now() - begun) / 1000).toFixed(1)} s`);
  }
  const domains = new Set([...hosts].map(registrable));
  const called = new Set([...fired.values()].flat());
  console.log(`${fired.size} of ${bidders.length} bidders fired; ${hosts.size} recipient hosts (${called.size} of bid requests, the others of user syncs and `
    + `what else the adapters send), ${domains.size} registrable domains`);
  console.log(`${silent.size} did not fire: ${values.why ? '' : [...silent.keys()].join(' ')}`);
  if (values.why) for (const [bidder, text] of silent) console.log(`  ${bidder}: ${text}`);
  if (values.json) {
    const all = { fired: Object.fromEntries(fired), silent: Object.fromEntries(silent), hosts: [...hosts].sort() };
    writeFileSync(values.json, `${JSON.stringify(all, null, 1)}\n`);
  }
  const enough = fired.size > LEAST.fired && hosts.size > LEAST.hosts;
  if (!only && !enough) throw new Error(`not over ${LEAST.fired} bidders and ${LEAST.hosts} hosts`);
}

main().catch((error) => {
  console.error(`prove: ${error.message}`);
  process.exitCode = 1;
});
