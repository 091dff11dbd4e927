/** Records the demo evidence: every site under every scenario, one HAR each. See README.md. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, stripVTControlCharacters } from 'node:util';
import { gzipSync } from 'node:zlib';
import { findChromium, launch } from './browser.mjs';
import { buildScripts } from './build.mjs';
import { fillBodies, serverHop, silentComponents, unshownRequests } from './completeness.mjs';
import { archive } from './har.mjs';
import { plantedToml } from './planted.mjs';
import { startServer } from './server.mjs';
import { SCENARIOS, SITES } from './sites.mjs';
import { visit } from './visit.mjs';

const USAGE = `node record.mjs [--out DIR] [--only SITE:SCENARIO] [--screenshots DIR]
  --out DIR             where the evidence goes (default: ../examples/recorded)
  --only SITE:SCENARIO  a single visit, for example shop.test:reject
  --screenshots DIR     also keep a picture of each page
  CONSENTINEL_CHROMIUM  environment variable: the browser to use instead of the chromium on PATH`;

function chosenVisits(only) {
  const all = Object.entries(SITES).flatMap(([site, { scenarios }]) => scenarios.map((scenario) => [site, scenario]));
  if (only === undefined) return all;
  const chosen = all.filter(([site, scenario]) => `${site}:${scenario}` === only);
  if (!chosen.length) throw new Error(`--only ${only}: no such visit. There are: ${all.map((pair) => pair.join(':')).join(', ')}.`);
  return chosen;
}

/** Compresses with zstd where the program is there, with gzip otherwise; returns [bytes, suffix]. */
function compress(text) {
  try {
    return [execFileSync('zstd', ['-19', '-q', '-c'], { input: text, maxBuffer: 2 ** 28, stdio: ['pipe', 'pipe', 'ignore'] }), '.zst'];
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    return [gzipSync(text, { level: 9 }), '.gz'];
  }
}

function keep(folder, name, bytes) {
  writeFileSync(join(folder, `${name}.part`), bytes);
  renameSync(join(folder, `${name}.part`), join(folder, name));
}

function keepArchive(folder, site, scenario, har) {
  const [bytes, suffix] = compress(JSON.stringify(har));
  const name = `${site}-${scenario}.har`;
  keep(folder, name + suffix, bytes);
  rmSync(join(folder, name + (suffix === '.zst' ? '.gz' : '.zst')), { force: true });
  return bytes.length;
}

/** Completes a recorded visit with what only the server saw, and says what is wrong with it. */
function complete(site, scenario, { hops, pages, extra }, seen) {
  const unshown = unshownRequests(hops, seen);
  const faults = fillBodies(hops, seen).map((url) => `the body of a request is not known: ${url}`);
  hops.push(...unshown.map((request) => serverHop(request, pages)));
  hops.sort((one, other) => one.wallTime - other.wallTime);
  if (extra.scenario_proof !== 'verified') faults.push(`the consent interaction did not take effect: proof is "${extra.scenario_proof}"`);
  if (scenario === 'accept') faults.push(...silentComponents(site, hops).map((name) => `${name} sent nothing`));
  return { unshown: unshown.length, faults };
}

/** Records one visit and keeps it; returns a line that says what was recorded. Throws, keeping nothing, where it is not sound. */
async function recordVisit({ executable, server, site, scenario, folder, screenshots }) {
  const browser = await launch(executable, server.port, SCENARIOS[scenario]);
  try {
    const recorded = await visit(browser, server, site, scenario, { screenshots }).catch((cause) => {
      const text = stripVTControlCharacters(cause.message).split('\n').slice(0, 3).join(' ');
      throw new Error(`${site} under ${scenario} could not be visited: ${text}`, { cause });
    });
    const { unshown, faults } = complete(site, scenario, recorded, server.seen);
    if (faults.length) throw new Error(`${site} under ${scenario} was not kept:\n  ${faults.join('\n  ')}`);
    const size = keepArchive(folder, site, scenario, archive({ ...recorded, browser: { name: 'Chromium', version: browser.version() } }));
    const hosts = new Set(recorded.hops.map(({ request }) => new URL(request.url).host)).size;
    return `${recorded.hops.length} requests (${unshown} known from the server only) to ${hosts} hosts, `
      + `proof ${recorded.extra.scenario_proof}, ${Math.round(size / 1024)} kB`;
  } finally {
    await browser.close();
  }
}

async function main() {
  const { values } = parseArgs({
    options: { out: { type: 'string' }, only: { type: 'string' }, screenshots: { type: 'string' }, help: { type: 'boolean' } },
  });
  if (values.help) return console.log(USAGE);
  const visits = chosenVisits(values.only);
  const executable = findChromium();
  const folder = values.out ?? fileURLToPath(new URL('../examples/recorded', import.meta.url));
  mkdirSync(folder, { recursive: true });
  if (values.screenshots) mkdirSync(values.screenshots, { recursive: true });

  console.log('building the bundles');
  const server = await startServer(await buildScripts());
  try {
    for (const [index, [site, scenario]] of visits.entries()) {
      const begun = Date.now();
      const line = await recordVisit({ executable, server, site, scenario, folder, screenshots: values.screenshots });
      console.log(`[${index + 1}/${visits.length}] ${site} ${scenario}: ${line}, ${((Date.now() - begun) / 1000).toFixed(1)} s`);
    }
    keep(folder, 'planted.toml', plantedToml());
  } finally {
    await server.close();
  }
}

main().catch((error) => {
  const usage = error.code?.startsWith('ERR_PARSE_ARGS');
  console.error(`record: ${process.env.DEBUG ? error.stack : error.message}${usage ? `\n${USAGE}` : ''}`);
  process.exitCode = 1;
});
