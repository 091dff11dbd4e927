/** One visit under a drawn profile: first page, choice, second page, leaving; with the evidence and the truth about it. */
import { stripVTControlCharacters } from 'node:util';
import { countCalls, startCapture } from '../capture.mjs';
import { fillBodies, serverHop, unshownRequests } from '../completeness.mjs';
import { archive } from '../har.mjs';
import { contextOptions, emulate } from './emulate.mjs';
import { truthLines } from './lines.mjs';
import { GRANTS, SCENARIOS, judge, stateOf } from './scenarios.mjs';

const SETTLE = { least: 1500, quiet: 700, most: 6000 };
const FAREWELL = { least: 700, quiet: 300, most: 2500 };
const LONGEST_REST = 15000; // ms
const ANSWER = 3; // s
const PATIENCE = 15000; // ms for one step in the page
const iso = (seconds) => new Date(seconds * 1000).toISOString();
/** What went wrong and, where a step waited in vain, for what. */
const whyOf = (error) => {
  const [first, ...rest] = stripVTControlCharacters(error.message).split('\n');
  const waited = rest.find((line) => line.includes('waiting for'));
  return waited ? `${first} ${waited.replace(/^[\s-]+/, '')}` : first;
};

/** The address that was asked for; the server leaves the port of the host away, which the browser does not. */
function addressOf({ url, headers }) {
  const address = new URL(url);
  address.host = headers.host;
  return address.href;
}

/**
 * Waits until page and network are at rest. A quiet network is not enough: on a busy machine scripts wait for their turn, so
 * the page has to come to an idle moment without having sent anything, and what was asked of late has to be answered.
 */
async function settle(page, capture, times = SETTLE) {
  const until = Date.now() + LONGEST_REST;
  await capture.settle(times);
  for (let before = -1; Date.now() < until && (before !== capture.hops.length || waitsForAnswer(capture.hops));) {
    before = capture.hops.length;
    await page.evaluate((timeout) => new Promise((resolve) => { requestIdleCallback(resolve, { timeout }); }), LONGEST_REST).catch(() => {});
    await capture.settle({ ...times, least: 0 });
  }
}

/** Whether a request of the last seconds is still open; older ones are streams that stay so. */
function waitsForAnswer(hops) {
  const now = Date.now() / 1000;
  return hops.slice(-300).some(({ ended, wallTime }) => ended === undefined && now - wallTime < ANSWER);
}

/** Follows what the person chose and what the consent manager made of it. */
class Consent {
  constructor(plan, driver) {
    Object.assign(this, { plan, driver, lines: [], last: null });
  }

  note(t, by, state) {
    this.lines.push({ what: 'consent', t, state: stateOf(state, this.plan.gpc), ...state.categories, by });
  }

  /** What the consent manager holds now; null where there is none or it does not answer. */
  async read(page) {
    this.last = this.driver ? await this.driver.read(page).catch(() => null) : null;
    if (this.last) this.note(Date.now() / 1000, 'cmp', this.last);
    return this.last;
  }

  /** Presses what a person would press; the choice counts from its last click, which the tracer tells of a moment later. */
  async act(page, choice, clicks) {
    const before = clicks.length;
    await this.driver.act(page, choice);
    for (let told = -1, until = Date.now() + PATIENCE; told !== clicks.length || told === before;) {
      if (Date.now() > until) throw new Error(`the choice "${choice}" was made without a click in the page`);
      told = clicks.length;
      await page.waitForTimeout(150);
    }
    this.note(clicks.at(-1), 'act', { chosen: true, categories: GRANTS[choice] });
  }
}

/** The intervals of consent for the archive: what the person chose, as a witness of the visit would note it. */
function consentOf(lines, begun) {
  const chosen = lines.filter(({ by, state }) => by === 'act' && state !== 'unset' && state !== 'opted_out');
  return [
    { time: iso(begun), state: 'unset', categories: {} },
    ...chosen.map(({ t, state, analytics, advertising }) => ({ time: iso(t), state, categories: { necessary: true, analytics, advertising } })),
  ];
}

/** By keyboard: a dialog that the person leaves unanswered may lie over what a pointer would have to reach. */
const press = (page, selector) => page.locator(selector).press('Enter');

async function signIn(page, { email, phone, name }) {
  if (!(await page.isVisible('#sign-in'))) return;
  for (const [field, value] of Object.entries({ email, phone, name })) await page.fill(`#sign-in [name="${field}"]`, value);
  await press(page, '#sign-in button');
  await page.waitForSelector('#account-state:has-text("You are signed in")');
}

async function lookAround(page) {
  if (await page.isVisible('#search')) {
    await page.fill('#search [name="q"]', 'lighthouse');
    await press(page, '#search button');
    await page.waitForSelector('#results li');
  }
  if (await page.isVisible('#near-me')) {
    await press(page, '#near-me');
    await page.waitForSelector('#place:has-text("Nearest")');
  }
}

/** Walks through the site as a person would. Returns the last state read back from the consent manager. */
async function walk({ page, site, plan, profile, capture, consent, clicks, shoot }) {
  await page.goto(`https://${site.site}/`);
  consent.note(capture.pages[0].wallTime, 'act', { chosen: false, categories: { analytics: false, advertising: false } });
  await settle(page, capture);
  await shoot('first');
  await consent.read(page);
  if (plan.first) {
    await consent.act(page, plan.first, clicks);
    await settle(page, capture);
    await consent.read(page);
  }
  await press(page, '#next');
  await page.waitForURL(`https://${site.site}${site.second}`);
  await settle(page, capture);
  await signIn(page, profile.values);
  if (plan.second) {
    await settle(page, capture, { ...SETTLE, least: 800 });
    await consent.act(page, plan.second, clicks);
    await settle(page, capture, { ...SETTLE, least: 800 });
  }
  await lookAround(page);
  await settle(page, capture);
  const state = await consent.read(page);
  await shoot('second');
  await page.goto('about:blank'); // leaving the page makes the SDKs send what they still hold
  await settle(page, capture, FAREWELL);
  await capture.stop();
  return state;
}

/**
 * Makes one visit.
 * @param browser, server: both of one worker; server is of ../sites/server.mjs.
 * @param site entry of the catalogue, with `driver` (act, read) of its consent manager or null, and `finder`.
 * @param screenshots folder for pictures, or undefined.
 * @returns {har, truth: [lines], summary: {requests, hosts, proof, fired, hidden}}
 */
export async function visit({ browser, server, site, scenario, repeat, profile, seed, screenshots }) {
  const plan = SCENARIOS[scenario];
  const name = `${site.site}~${scenario}~r${String(repeat).padStart(2, '0')}`;
  const context = await browser.newContext(contextOptions(profile.values, plan.gpc));
  try {
    server.visit({ site: site.site, region: plan.region, profile });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    if (plan.gpc) {
      await page.addInitScript(() => {
        if (!navigator.globalPrivacyControl) Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', { get: () => true });
      });
    }
    const session = await context.newCDPSession(page);
    const events = [];
    const clicks = [];
    await emulate(session, profile.values, (event) => (event.what === 'click' ? clicks.push(event.t) : events.push(event)));
    const capture = await startCapture(session);
    const consent = new Consent(plan, site.driver);
    const shoot = (which) => screenshots && page.screenshot({ path: `${screenshots}/${name}-${which}.png` });
    const state = await walk({ page, site, plan, profile, capture, consent, clicks, shoot }).catch((cause) => {
      throw new Error(`${name}: ${whyOf(cause)}`, { cause });
    });

    const { hops, pages, notes } = capture;
    const seen = server.seen.map((request) => ({ ...request, url: addressOf(request) }));
    const { lines, fired } = truthLines({ events, hops, seen, finder: site.finder });
    const answers = consent.lines.filter(({ by }) => by === 'cmp').length;
    const answered = site.driver ? { [site.driver.about.package]: answers } : {}; // a consent manager need not send: it fired if it holds a state
    const hidden = unshownRequests(hops, seen);
    const bodyless = fillBodies(hops, seen);
    hops.push(...hidden.map((request) => serverHop(request, pages)));
    hops.sort((one, other) => one.wallTime - other.wallTime);
    const signalled = seen.some(({ url, headers }) => url.startsWith(`https://${site.site}/`) && headers['sec-gpc'] === '1');
    const proof = judge(plan, site.driver ? state : { chosen: false }, signalled);
    const about = {
      site: site.site, scenario, repeat, region: plan.region, cmp: site.cmp ?? null, group: site.group, kind: site.kind, faults: site.faults,
    };
    const truth = [
      { what: 'visit', visit_id: name, ...about, seed, components: site.components,
        cnames: site.cnames ?? {}, relays: site.relays ?? [], undisclosed: site.undisclosed ?? [], profile, proof, fired, answered, bodyless },
      ...[...lines, ...consent.lines].sort((one, other) => one.t - other.t),
    ];
    const extra = {
      site: site.site, scenario: site.cmp || plan.gpc ? scenario : 'unknown', // nobody was asked: what was said elsewhere is not known
      scenario_proof: proof, region: plan.region, locale: profile.values.languages[0], repeat,
      profile_levels: profile.levels, cnames: site.cnames ?? {},
      consent: site.cmp ? consentOf(consent.lines, pages[0].wallTime) : [], // no manager, no signal
      storage: notes.filter(({ what }) => what === 'storage').map(({ what, ...write }) => write),
      calls: countCalls(notes),
    };
    const hosts = new Set(hops.map(({ request }) => new URL(request.url).host)).size;
    return {
      name, truth, har: archive({ hops, pages, browser: { name: 'Chromium', version: browser.version() }, extra }),
      summary: { requests: hops.length, hosts, proof, fired, hidden: hidden.length },
    };
  } finally {
    await context.close().catch(() => {}); // a browser that crashed has closed it
  }
}
