/** Proves in Chromium that each consent manager ends where its button says, and that each fault does its wrong and no more. See USAGE. */
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { findChromium } from '../browser.mjs';
import { cmpNamed, listCmps } from '../cmps/index.mjs';
import { isGateFault } from './faults.mjs';
import { EXPECTED_FLOWS, PROBE, expectedStates, managerProofs } from './expectations.mjs';
import { buildScripts } from './scripts.mjs';
import { startServer } from './server.mjs';

const USAGE = `node sites/prove.mjs [--only NAME]
  --only NAME   only the consent manager or the fault of this name
Prints a table; ends with 1 where a state or a flow is not as it should be.`;
const PATIENCE = 10000;
const PERSON = { user_id: 'u-1001', visitor_id: '11111111-1111-4111-8111-111111111111', shared_id: '22222222-2222-4222-8222-222222222222' };

/** A site with one manager, the faults to prove, and one tag whose only act is to call its recipient. */
function proofSite(cmp, faults) {
  const site = `${[cmp ?? 'none', ...faults].join('-').replace(/[^a-z]+/gi, '-').toLowerCase()}.test`;
  const gates = faults.filter(isGateFault);
  return {
    site, group: 'train', kind: 'proof', theme: 'library', title: 'Proof', cmp, faults, second: '/account', managerFaults: faults, cnames: {}, relays: [],
    vendors: { 10: { name: 'a', purposes: [1, 2, 7], legIntPurposes: [9] }, 11: { name: 'b', purposes: [1], legIntPurposes: [2, 7] }, 12: { name: 'c', purposes: [1, 2], legIntPurposes: [] }, 13: { name: 'd', purposes: [1, 4], legIntPurposes: [10] } },
    tags: [{ component: 'probe', script: `https://${PROBE.cdn}/${site}.js`, category: 'advertising', faults: gates, told: ['visitorId'], pixel: `https://${PROBE.pixel}` }],
  };
}

const probeScript = `window.rangeTags = { ...window.rangeTags, probe: {
  start: () => fetch('https://${PROBE.host}/run', { method: 'POST', body: 'x', keepalive: true }) } };`;

const called = (server, host) => server.seen.some(({ url, method }) => new URL(url).host === host && method !== 'OPTIONS');
const asWord = (state) => (!state.chosen ? 'unset' : ['analytics', 'advertising'].filter((name) => state.categories[name]).join('+') || 'denied');

class Proof {
  constructor(browser, server) {
    Object.assign(this, { browser, server, rows: [] });
  }

  note(site, choice, what, wanted, got) {
    const ok = wanted === got;
    this.rows.push({ ok });
    print([site.cmp ?? 'none', site.faults.join() || '-', choice, what, wanted, got, ok ? 'ok' : 'WRONG']);
  }

  /** One visit: the first page, the choice, what it came to; then the second page. `look` is told of each stage. */
  async visit(site, choice, { region = 'EU', gpc = false }, look) {
    this.server.visit({ site: site.site, region, profile: { values: PERSON } });
    const context = await this.browser.newContext({ viewport: { width: 1280, height: 900 } });
    try {
      const page = await context.newPage();
      page.setDefaultTimeout(PATIENCE);
      if (gpc) await page.addInitScript(() => Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', { get: () => true }));
      const driver = site.cmp ? cmpNamed(site.cmp) : null;
      await page.goto(`https://${site.site}/`, { waitUntil: 'load' });
      await page.waitForTimeout(700);
      await look('first', page, driver);
      const clear = () => this.server.visit({ site: site.site, region, profile: { values: PERSON } });
      for (const press of choice === 'withdraw' ? ['all', 'withdraw'] : choice ? [choice] : []) {
        clear();
        await driver.act(page, press);
        await page.waitForTimeout(900);
      }
      await look('after', page, driver);
      clear();
      await page.goto(`https://${site.site}/account`, { waitUntil: 'load' });
      await page.waitForTimeout(700);
      await look('next', page, driver);
    } finally {
      await context.close();
    }
  }

  /** The manager holds what was pressed (or what its fault makes of it), on this page and on the next. */
  async manager(site, expected) {
    for (const [choice, wanted] of Object.entries(expected)) {
      await this.visit(site, choice === 'none' ? null : choice, {}, async (stage, page, driver) => {
        if (stage === 'first') return;
        const state = await driver.read(page);
        this.note(site, choice, `state ${stage}`, wanted.state, asWord(state));
        if (wanted.signal) this.note(site, choice, `signal ${stage}`, ...await wanted.signal(state, page));
      });
    }
  }

  /** The tag calls its recipient at the stages where this fault lets it, and at no other. */
  async flow(site, expected) {
    for (const [choice, wanted] of Object.entries(expected)) {
      const plan = choice === 'gpc' ? { region: 'US-CA', gpc: true } : {};
      await this.visit(site, ['none', 'gpc'].includes(choice) ? null : choice, plan, async (stage, page) => {
        if (stage === 'next' && wanted.pixel !== undefined) {
          for (const [field, value] of [['name', 'A B'], ['email', 'a@example.com'], ['phone', '+99912345678']]) await page.fill(`#sign-in [name="${field}"]`, value);
          await page.click('#sign-in button');
          await page.waitForSelector('#account-state:has-text("You are signed in")');
          await page.waitForTimeout(200);
          this.note(site, choice, 'pixel', wanted.pixel, called(this.server, PROBE.pixel));
        }
        if (wanted.restored !== undefined && stage === 'after') this.note(site, choice, 'id restored', wanted.restored, called(this.server, PROBE.pixel));
        if (wanted[stage] !== undefined) this.note(site, choice, `tag ${stage}`, wanted[stage], called(this.server, PROBE.host));
      });
    }
  }
}

const WIDTHS = [22, 29, 10, 13, 22, 22, 0];
function print(cells) {
  console.log(cells.map((cell, i) => String(cell).padEnd(WIDTHS[i])).join(' '));
}

async function main() {
  const { values: { only, help } } = parseArgs({ options: { only: { type: 'string' }, help: { type: 'boolean' } } });
  if (help) return console.log(USAGE);
  const managers = listCmps().flatMap(({ cmp }) => managerProofs(cmp).map((faults) => ({ site: proofSite(cmp, faults), expected: expectedStates(faults) })));
  const flows = EXPECTED_FLOWS.map(({ cmp, faults, expected }) => ({ site: proofSite(cmp, faults), expected }));
  const chosen = ({ site }) => !only || site.cmp === only || site.faults.includes(only);
  const [states, runs] = [managers.filter(chosen), flows.filter(chosen)];
  if (!states.length && !runs.length) throw new Error(`--only ${only}: no consent manager and no fault of this name is proven here`);
  const sites = [...new Map([...states, ...runs].map(({ site }) => [site.site, site])).values()];
  const { scripts } = await buildScripts(sites, { probe: probeScript });
  const server = await startServer({ sites, scripts });
  const browser = await chromium.launch({
    executablePath: findChromium(),
    args: ['--no-sandbox', '--ignore-certificate-errors', '--disable-quic', `--host-resolver-rules=MAP * 127.0.0.1:${server.port}`],
  });
  const proof = new Proof(browser, server);
  print(['manager', 'faults', 'choice', 'what', 'wanted', 'got', '']);
  try {
    for (const { site, expected } of states) await proof.manager(site, expected);
    for (const { site, expected } of runs) await proof.flow(site, expected);
  } finally {
    await browser.close();
    await server.close();
  }
  const wrong = proof.rows.filter(({ ok }) => !ok).length;
  console.log(`${proof.rows.length - wrong} of ${proof.rows.length} are as they should be`);
  if (wrong) process.exitCode = 1;
}

main().catch((error) => {
  console.error(`prove: ${process.env.DEBUG ? error.stack : error.message}`);
  process.exitCode = 1;
});
