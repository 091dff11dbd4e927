/** tarteaucitron.js: one service for each category; a service "waits" until it is answered, and its panel stays in the page. */
import { CATEGORIES, SETTINGS_LINK, categoriesOf, publish } from './_consent.mjs';

export const about = {
  cmp: 'tarteaucitronjs', package: 'tarteaucitronjs', api: 'own',
  files: { script: 'tarteaucitron.min.js' }, // brings its styles, texts and services itself, from the same folder
  cookies: ['tarteaucitron'], recordHost: 'preuve.tarteaucitron-pro.test',
};

const SERVICES = { analytics: ['site_analytics', 'analytic', 'Visit statistics'], advertising: ['site_advertising', 'ads', 'Advertising'] };
const key = (name) => SERVICES[name][0];

/** In the page. */
export async function init(config) {
  const { tarteaucitron } = window;
  const { title, text, accept, reject, choose } = config.words;
  const kept = () => document.cookie.match(/(?:^|; )tarteaucitron=([^;]*)/)?.[1] ?? '';
  const answeredAll = () => CATEGORIES.every((name) => /true|false/.test(kept().match(new RegExp(`!${key(name)}=(\\w+)`))?.[1]));
  const held = () => categoriesOf(CATEGORIES.filter((name) => kept().includes(`!${key(name)}=true`)));
  const { rules, atFirst, asks, changed } = publish(config, {
    read: () => ({ chosen: answeredAll(), categories: held() }),
    open: () => tarteaucitron.userInterface.openPanel(),
  });
  let last = kept();
  // It tells of each service, also when it finds the stored answer: what counts is whether the stored answer changed.
  const told = () => setTimeout(() => {
    if (kept() === last || !answeredAll()) return;
    const { analytics, advertising } = rules.recorded(held());
    if (!held().analytics && !held().advertising && (analytics || advertising)) return void tarteaucitron.userInterface.respondAll(true);
    last = kept();
    changed();
  });
  for (const name of CATEGORIES) {
    const [service, type, label] = SERVICES[name];
    tarteaucitron.services[service] = { key: service, type, name: label, uri: '/privacy', needConsent: true, cookies: [], js: told, fallback: told };
    document.addEventListener(`${service}_allowed`, told);
    document.addEventListener(`${service}_disallowed`, told);
  }
  window.tarteaucitronForceLanguage = 'en';
  window.tarteaucitronCustomText = {
    alertBigPrivacy: text, middleBarHead: title, acceptAll: accept, denyAll: reject, personalize: choose,
  };
  tarteaucitron.init({
    privacyUrl: '', hashtag: '#privacy', cookieName: 'tarteaucitron', orientation: config.position ?? 'middle', showAlertSmall: false,
    cookieslist: false, showIcon: false, adblocker: false, DenyAllCta: true, AcceptAllCta: true, highPrivacy: true,
    serviceDefaultState: asks ? 'wait' : atFirst.analytics, handleBrowserDNTRequest: false, removeCredit: true, moreInfoLink: false,
    mandatory: true, googleConsentMode: false, bingConsentMode: false, pianoConsentMode: false,
  });
  (tarteaucitron.job = tarteaucitron.job || []).push(...CATEGORIES.map(key));
}

/** The panel closes by itself once nothing waits; then, or when the site loads itself anew, there is nothing left to press. */
const closePanel = (page) => page.click('#tarteaucitronClosePanel', { timeout: 400 }).catch(() => {});

/** From outside: presses what a person would press. */
export async function act(page, choice) {
  if (choice === 'all') return page.click('#tarteaucitronPersonalize2');
  if (choice === 'necessary') return page.click('#tarteaucitronAllDenied2');
  if (choice === 'withdraw') {
    await page.click(SETTINGS_LINK);
    await page.click('#tarteaucitronAllDenied');
    return closePanel(page);
  }
  await page.click('#tarteaucitronCloseAlert');
  await page.click('#site_analyticsAllowed');
  await page.click('#site_advertisingDenied');
  return closePanel(page);
}

/** What the manager itself holds: the stored answer, since its state may still wait. */
export function read(page) {
  return page.evaluate(() => {
    const kept = document.cookie.match(/(?:^|; )tarteaucitron=([^;]*)/)?.[1] ?? '';
    const answer = (name) => kept.match(new RegExp(`!site_${name}=(\\w+)`))?.[1];
    const both = [answer('analytics'), answer('advertising')];
    return {
      chosen: both.every((word) => word === 'true' || word === 'false'),
      categories: { analytics: both[0] === 'true', advertising: both[1] === 'true' },
    };
  });
}
