/** Visits the sites of the range under drawn profiles and keeps evidence and truth of every visit. See USAGE. */
import { appendFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { findChromium } from '../browser.mjs';
import { listSites } from '../sites/catalogue.mjs';
import { startServer } from '../sites/server.mjs';
import { keep, zstd } from './files.mjs';
import { firedIn } from './fired.mjs';
import { GROUPS, drawProfile, plantedToml } from './profile.mjs';
import { SCENARIOS } from './scenarios.mjs';
import { openVenue } from './venue.mjs';
import { visit } from './visit.mjs';

const USAGE = `node truth/run.mjs --out DIR [options]
  --out DIR           DIR/visits gets the evidence, DIR/truth the truth, DIR/planted.toml the planted values
  --sites A,B         only these sites (default: all of the catalogue)
  --scenarios A,B     only these scenarios: ${Object.keys(SCENARIOS).join(', ')}
  --repeats N         randomised repeats of each scenario (default: as the catalogue says)
  --workers N         visits at a time, each with its own server and browser (default: 4)
  --seed N            fixes every profile (default: 1)
  --screenshots DIR   pictures of both pages of each visit
Visits that are already kept are not made again. CONSENTINEL_CHROMIUM may name the browser.`;
const VISITS_PER_BROWSER = 40;
const LONGEST = 120000; // ms for one visit
const FLAGS = [
  '--no-sandbox', '--ignore-certificate-errors', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--disable-default-apps', '--no-proxy-server', '--enable-unsafe-swiftshader',
  '--disable-site-isolation-trials', // frames of other sites stay in the page's process, where the one session sees them
];

const fileName = ({ site, scenario, repeat }) => `${site.site}~${scenario}~r${String(repeat).padStart(2, '0')}`;

function numberOf(name, text, least) {
  const number = Number(text);
  if (!Number.isInteger(number) || number < least) throw new Error(`--${name} ${text}: give a whole number, ${least} or more`);
  return number;
}

function chosen(name, text, known) {
  if (text === undefined) return known;
  const wanted = text.split(',').map((word) => word.trim()).filter(Boolean);
  const unknown = wanted.filter((word) => !known.includes(word));
  if (unknown.length) throw new Error(`--${name}: there is no ${unknown.join(', ')}. There are: ${known.join(', ')}`);
  return wanted;
}

/** All visits, in the order in which they are made: a browser is started anew only where its switches differ. */
function plan(sites, scenarios, repeats) {
  const all = [];
  const countOf = (site) => repeats ?? site.repeats;
  for (const gpc of [false, true]) {
    for (let repeat = 0; repeat < Math.max(...sites.map(countOf)); repeat += 1) {
      for (const site of sites.filter((one) => repeat < countOf(one))) {
        for (const scenario of site.scenarios) {
          if (scenarios.includes(scenario) && SCENARIOS[scenario].gpc === gpc) all.push({ site, scenario, repeat, gpc });
        }
      }
    }
  }
  return all;
}

/** A worker's own server and browser; the browser is used for many visits, each in a fresh context. */
class Desk {
  constructor(executablePath, venue) {
    Object.assign(this, { executablePath, venue, browser: null, gpc: null, used: 0 });
  }

  async ready(gpc) {
    this.server ??= await startServer(this.venue);
    if (this.browser?.isConnected() && this.gpc === gpc && this.used < VISITS_PER_BROWSER) {
      this.used += 1;
      return this;
    }
    await this.drop();
    const args = [...FLAGS, `--host-resolver-rules=MAP * 127.0.0.1:${this.server.port}`];
    if (gpc) args.push('--enable-features=GlobalPrivacyControlForce');
    this.browser = await chromium.launch({ executablePath: this.executablePath, args });
    Object.assign(this, { gpc, used: 1 });
    return this;
  }

  async drop() {
    await this.browser?.close().catch(() => {});
    this.browser = null;
  }

  async close() {
    await this.drop();
    await this.server?.close();
  }
}

async function makeOne(desk, { site, scenario, repeat, gpc }, { seed, screenshots, out }) {
  const { browser, server } = await desk.ready(gpc);
  const { region } = SCENARIOS[scenario];
  const profile = drawProfile({ seed, site: site.site, group: site.group, scenario, repeat, region });
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`took longer than ${LONGEST / 1000} s`)), LONGEST); });
  try {
    const { name, har, truth, summary } = await Promise.race([visit({ browser, server, site, scenario, repeat, profile, seed, screenshots }), late]);
    const truthText = truth.map((line) => `${JSON.stringify(line)}\n`).join('');
    const [packedTruth, packedHar] = await Promise.all([zstd(truthText), zstd(JSON.stringify(har))]);
    keep(join(out, 'truth'), `${name}.truth.ndjson.zst`, packedTruth);
    keep(join(out, 'visits'), `${name}.har.zst`, packedHar); // last: a visit counts as made once its evidence is there
    return summary;
  } finally {
    clearTimeout(timer);
  }
}

/** Makes the visits of one queue until it is empty; a visit that fails is tried once more in a fresh browser. */
async function work(desk, queue, settings, report) {
  for (let task = queue.shift(); task; task = queue.shift()) {
    const begun = Date.now();
    for (const attempt of [1, 2]) {
      try {
        const summary = await makeOne(desk, task, settings);
        report(task, summary, (Date.now() - begun) / 1000);
        break;
      } catch (error) {
        if (process.env.DEBUG) console.error(error.stack);
        await desk.drop();
        if (attempt === 2) report(task, { error: error.message.split('\n')[0] }, (Date.now() - begun) / 1000);
      }
    }
  }
}

function reporter(total, out) {
  const begun = Date.now();
  let done = 0;
  let failed = 0;
  return {
    report({ site, scenario, repeat }, { error, requests, hosts, proof, hidden }, seconds) {
      done += 1;
      const rate = done / ((Date.now() - begun) / 3600000);
      const what = error ? `FAILED: ${error}` : `${requests} requests (${hidden} seen by the server only), ${hosts} hosts, ${proof}`;
      if (error) {
        failed += 1;
        const line = { site: site.site, scenario, repeat, error, time: new Date().toISOString() };
        appendFileSync(join(out, 'failed.ndjson'), `${JSON.stringify(line)}\n`);
      }
      console.log(`[${done}/${total}] ${site.site} ${scenario} r${repeat}: ${what}, ${seconds.toFixed(1)} s; `
        + `${Math.round(rate)} visits/h, ${Math.ceil((total - done) / rate * 60)} min left`);
    },
    get failed() { return failed; },
  };
}

async function main() {
  const text = { type: 'string' };
  const { values } = parseArgs({
    options: { out: text, sites: text, scenarios: text, repeats: text, workers: text, seed: text, screenshots: text, help: { type: 'boolean' } },
  });
  if (values.help || !values.out) {
    if (!values.help) process.exitCode = 2;
    return console.log(USAGE);
  }
  const { out, screenshots } = values;
  const seed = numberOf('seed', values.seed ?? '1', 0);
  const workers = numberOf('workers', values.workers ?? '4', 1);
  const repeats = values.repeats === undefined ? null : numberOf('repeats', values.repeats, 1);
  const scenarios = chosen('scenarios', values.scenarios, Object.keys(SCENARIOS));
  const executable = findChromium();
  for (const folder of [join(out, 'visits'), join(out, 'truth'), screenshots].filter(Boolean)) mkdirSync(folder, { recursive: true });
  keep(out, 'planted.toml', plantedToml(seed));
  for (const group of GROUPS) keep(out, `planted-${group}.toml`, plantedToml(seed, [group])); // half as much to look for where one pool will do

  const wanted = chosen('sites', values.sites, listSites().map(({ site }) => site));
  const sites = listSites().filter(({ site }) => wanted.includes(site));
  const all = plan(sites, scenarios, repeats);
  const made = (task) => existsSync(join(out, 'visits', `${fileName(task)}.har.zst`))
    && existsSync(join(out, 'truth', `${fileName(task)}.truth.ndjson.zst`));
  const open = all.filter((task) => !made(task));
  console.log(`${all.length} visits to ${sites.length} sites, ${all.length - open.length} of them already made; building the scripts`);
  const venue = open.length ? await openVenue([...new Set(open.map(({ site }) => site))]) : null;
  for (const task of open) task.site = venue.sites.find(({ site }) => site === task.site.site);
  const progress = reporter(open.length, out);
  const desks = Array.from({ length: Math.min(workers, open.length) }, () => new Desk(executable, venue));
  try {
    await Promise.all(desks.map((desk) => work(desk, open, { seed, screenshots, out }, progress.report)));
  } finally {
    await Promise.all(desks.map((desk) => desk.close()));
  }
  const fired = await firedIn(join(out, 'truth'));
  keep(out, 'fired.json', `${JSON.stringify(fired, null, 2)}\n`);
  const { requests, answers, silent } = fired;
  for (const [name, count] of Object.entries(requests)) console.log(`${String(count).padStart(8)} requests of ${name}`);
  for (const [name, count] of Object.entries(answers)) console.log(`${String(count).padStart(8)} answers of ${name}`);
  console.log(`${silent.length} components of these sites never fired${silent.length ? `: ${silent.join(', ')}` : ''}`);
  if (progress.failed) {
    console.log(`${progress.failed} visits failed, see failed.ndjson; run again to try them once more`);
    process.exitCode = 1;
  }
}

main().catch((error) => {
  const usage = error.code?.startsWith('ERR_PARSE_ARGS');
  console.error(`truth: ${process.env.DEBUG ? error.stack : error.message}${usage ? `\n${USAGE}` : ''}`);
  process.exitCode = 1;
});
