/** Serves the sites that ask for consent to a driver that is a program of its own: those of the catalogue, and made ones. See USAGE. */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { listCmps } from '../cmps/index.mjs';
import { listSites } from './catalogue.mjs';
import { PROBE, managerProofs } from './expectations.mjs';
import { managerWith } from './faults.mjs';
import { LOOKS } from './looks.mjs';
import { buildScripts } from './scripts.mjs';
import { startServer } from './server.mjs';

const USAGE = `node sites/driven.mjs
Prints one line of JSON: {port, sites: [{site, cmp, part, kind, faults, recorded}]}; recorded says for each scenario what a manager
with these faults keeps when a person goes through it. Then reads lines "SITE REGION", readies that visit and answers each with
the line "ready"; one visit at a time. Ends when there is nothing more to read.`;
const PERSON = { user_id: 'u-1001', visitor_id: '11111111-1111-4111-8111-111111111111', shared_id: '22222222-2222-4222-8222-222222222222' };
const VENDORS = {
  10: { name: 'One', purposes: [1, 2, 7], legIntPurposes: [9] }, 11: { name: 'Two', purposes: [1], legIntPurposes: [2, 7] },
  12: { name: 'Three', purposes: [1, 2], legIntPurposes: [] }, 13: { name: 'Four', purposes: [1, 4], legIntPurposes: [10] },
};
/** Words and place of a dialog follow the length of the site's name, see words.mjs and scripts.mjs. */
const TONES = 3;
/** Looks of a made site for each manager, fault and tone: more where the manager is for test only. */
const LOOKS_EACH = { train: 2, test: 5 };
const PRESSED = {
  accept: { analytics: true, advertising: true }, reject: { analytics: false, advertising: false },
  partial: { analytics: true, advertising: false }, withdraw: { analytics: false, advertising: false },
};
const probe = `window.rangeTags = { ...window.rangeTags, probe: {
  start: () => fetch('https://${PROBE.host}/run', { method: 'POST', body: 'x', keepalive: true }) } };`;

const { cmps: PARTS } = JSON.parse(readFileSync(new URL('../split.json', import.meta.url), 'utf8'));

function madeSite(cmp, faults, theme, tone, number) {
  const stem = `${theme}${number}`;
  const site = `${stem}${'x'.repeat((tone - stem.length - '.test'.length + 100 * TONES) % TONES)}.test`;
  return {
    site, kind: 'made', theme, title: `The ${theme} number ${number}`, cmp, faults, managerFaults: faults, vendors: VENDORS, second: '/account',
    cnames: {}, relays: [],
    tags: [{
      component: 'probe', script: `https://${PROBE.cdn}/${site}.js`, category: 'advertising', faults: [], told: ['visitorId'], pixel: `https://${PROBE.pixel}`,
    }],
  };
}

/** Every manager with each of its faults, in every tone, in some of the looks in turn. */
function madeSites() {
  const themes = Object.keys(LOOKS);
  const plans = listCmps().flatMap(({ cmp }) => managerProofs(cmp).flatMap((faults) => (
    Array.from({ length: TONES * LOOKS_EACH[PARTS[cmp].part] }, (_, i) => ({ cmp, faults, tone: i % TONES })))));
  return plans.map(({ cmp, faults, tone }, i) => madeSite(cmp, faults, themes[i % themes.length], tone, i));
}

function about({ site, cmp, kind, faults, managerFaults }) {
  const manager = managerWith(managerFaults);
  const recorded = Object.fromEntries(Object.entries(PRESSED).map(([scenario, pressed]) => [scenario, manager.recorded(pressed)]));
  return { site, cmp, part: PARTS[cmp].part, kind, faults, recorded };
}

async function main() {
  if (parseArgs({ options: { help: { type: 'boolean' } } }).values.help) return console.log(USAGE);
  const sites = [...listSites().filter(({ cmp }) => cmp), ...madeSites()];
  const bySite = new Map(sites.map((site) => [site.site, site]));
  const scripts = new Map();
  const built = new Set();
  const server = await startServer({ sites, scripts });
  console.log(JSON.stringify({ port: server.port, sites: sites.map(about) }));
  for await (const line of createInterface({ input: process.stdin })) {
    const [site, region] = line.split(' ');
    if (!bySite.has(site)) throw new Error(`no site is called ${site}`);
    if (!built.has(site)) { // only now: the bundles of ad adapters take long
      for (const [address, text] of (await buildScripts([bySite.get(site)], { probe })).scripts) scripts.set(address, text);
      built.add(site);
    }
    server.visit({ site, region, profile: { values: PERSON } });
    console.log('ready');
  }
  await server.close();
}

main().catch((error) => {
  console.error(`driven: ${process.env.DEBUG ? error.stack : error.message}`);
  process.exit(1); // the server would go on
});
