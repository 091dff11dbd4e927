/** One visit: a fresh browser profile, a page, the choice, a second page, and the proof that the choice took effect. */
import { TCString } from '@iabtechlabtcf/core';
import { countCalls, startCapture } from './capture.mjs';
import { person } from './planted.mjs';
import { SCENARIOS, SITES } from './sites.mjs';

const VIEWPORT = { width: 1366, height: 768 };

/** What the consent manager says now, read through its public doors. */
function readConsent(page) {
  return page.evaluate(() => new Promise((resolve) => {
    const preferences = window.CookieConsent.getUserPreferences();
    const state = {
      chosen: window.CookieConsent.validConsent(),
      categories: preferences.acceptedCategories,
      cookies: document.cookie,
      gpc: navigator.globalPrivacyControl === true,
      tcString: null,
    };
    setTimeout(resolve, 3000, state); // a consent manager that never answers leaves the TC string unknown
    if (typeof window.__tcfapi !== 'function') resolve(state);
    else window.__tcfapi('addEventListener', 2, (data) => resolve({ ...state, tcString: data?.tcString ?? null }));
  }));
}

/** verified, contradicted or unknown: whether the state read back (signalled: with Sec-GPC) is the one the scenario wanted. */
function judge({ choice, gpc, region }, tcf, state, signalled) {
  if (gpc) return state.gpc && signalled ? 'verified' : 'contradicted';
  const optional = state.categories.filter((name) => name !== 'necessary').length;
  const dialog = choice === null ? !state.chosen : state.chosen && (choice === 'all') === optional > 0;
  if (!tcf || region !== 'EU') return dialog ? 'verified' : 'contradicted';
  if (!state.tcString) return 'unknown';
  const stored = state.cookies.match(/(?:^|; )euconsent-v2=([^;]+)/)?.[1];
  const granted = TCString.decode(state.tcString).purposeConsents.size > 0;
  const agrees = choice === null ? stored === undefined : stored === state.tcString;
  return dialog && agrees && granted === (choice === 'all') ? 'verified' : 'contradicted';
}

async function actOnSecondPage(site, page) {
  if (site === 'shop.test') {
    await page.fill('#sign-in input', person.email);
    await page.click('#sign-in button');
    await page.waitForSelector('#account-state:has-text("You are signed in")');
    await page.click('#nearby');
    await page.waitForSelector('#store-state:has-text("Nearest shop")');
  } else {
    await page.fill('#search input', 'lighthouse');
    await page.click('#search button');
    await page.waitForSelector('#results li');
  }
}

/** The consent intervals' starts, as the dialog itself reported them. */
function consentChanges(pages, notes) {
  const state = (categories) => (categories.some((name) => name !== 'necessary') ? 'granted' : 'denied');
  const flags = (granted) => Object.fromEntries(['necessary', 'analytics', 'advertising'].map((name) => [name, granted.includes(name)]));
  return [
    { time: new Date(pages[0].wallTime * 1000).toISOString(), state: 'unset', categories: {} },
    ...notes
      .filter(({ what }) => what === 'consent')
      .map(({ time, categories }) => ({ time, state: state(categories), categories: flags(categories) })),
  ];
}

/**
 * Makes one visit.
 * @returns {hops, pages, extra}: extra is the `_consentinel` field of the archive.
 */
export async function visit(browser, server, site, scenario, { screenshots }) {
  const plan = SCENARIOS[scenario];
  const { second, tcf } = SITES[site];
  server.visit(plan.region);
  const context = await browser.newContext({
    viewport: VIEWPORT, timezoneId: plan.timezone, serviceWorkers: 'block', permissions: ['geolocation'],
    geolocation: { latitude: person.latitude, longitude: person.longitude, accuracy: 12 },
    ...(plan.gpc ? { extraHTTPHeaders: { 'Sec-GPC': '1' } } : {}), // for versions of Chromium without the signal of their own
  });
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(15000);
    if (plan.gpc) {
      await page.addInitScript(() => {
        if (!navigator.globalPrivacyControl) Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', { get: () => true });
      });
    }
    const session = await context.newCDPSession(page);
    await session.send('Emulation.setHardwareConcurrencyOverride', { hardwareConcurrency: 8 });
    const capture = await startCapture(session);
    const shoot = (name) => screenshots && page.screenshot({ path: `${screenshots}/${site}-${scenario}-${name}.png` });

    await page.goto(`https://${site}/`);
    await capture.settle();
    if (plan.region === 'EU' && !(await page.isVisible('#cc-main .cm'))) throw new Error('the consent dialog did not show');
    await shoot('first');
    if (plan.choice) {
      await page.click(`#cc-main .cm [data-role="${plan.choice}"]`);
      await page.waitForFunction(() => window.CookieConsent.validConsent());
      await capture.settle();
    }
    await page.click('#next');
    await page.waitForURL(`https://${site}${second}`);
    await capture.settle();
    await actOnSecondPage(site, page);
    await capture.settle();
    await shoot('second');
    const state = await readConsent(page);
    await page.goto('about:blank'); // leaving the page makes the SDKs send what they still hold
    await capture.settle({ least: 800, quiet: 400, most: 3000 });
    await capture.stop();

    const { hops, pages, notes } = capture;
    const signalled = server.seen.some(({ url, headers }) => url.startsWith(`https://${site}/`) && headers['sec-gpc'] === '1');
    const extra = {
      site, scenario, scenario_proof: judge(plan, tcf, state, signalled), region: plan.region, locale: plan.locale, repeat: 0,
      consent: consentChanges(pages, notes),
      storage: notes.filter(({ what }) => what === 'storage').map(({ what, ...write }) => write),
      calls: countCalls(notes),
    };
    return { hops, pages, extra };
  } finally {
    await context.close();
  }
}
