/** Klaro: a notice and a panel with one switch for each service. */
import { CATEGORIES, SETTINGS_LINK, publish, sameCategories } from './_consent.mjs';

export const about = {
  cmp: 'klaro', package: 'klaro', api: 'own',
  files: { script: 'dist/klaro-no-css.js', style: 'dist/klaro.min.css' },
  cookies: ['klaro'], recordHost: 'log.klaro-archive.test',
};

const SERVICES = {
  analytics: ['Visit statistics', 'Counts visits and finds faults.'],
  advertising: ['Advertising', 'Chooses and measures advertising.'],
};

/** In the page. */
export async function init(config) {
  const { klaro } = window;
  const { title, text, accept, reject, choose } = config.words;
  let manager;
  const held = () => ({ analytics: manager.consents.analytics === true, advertising: manager.consents.advertising === true });
  const { rules, atFirst, asks, changed } = publish(config, {
    read: () => ({ chosen: manager?.confirmed === true, categories: manager ? held() : null }),
    open: () => klaro.show(settings),
  });
  const settings = {
    version: 1, elementID: 'klaro', storageMethod: 'cookie', cookieName: 'klaro', cookieExpiresAfterDays: 180, acceptAll: true,
    mustConsent: false, groupByPurpose: false, lang: 'en', showNoticeTitle: true, disablePoweredBy: true,
    styling: { theme: ['light', ...(config.layout ?? ['bottom', 'wide'])] },
    services: CATEGORIES.map((name) => ({ name, title: SERVICES[name][0], description: SERVICES[name][1], purposes: [name], default: atFirst[name] })),
    translations: {
      en: {
        privacyPolicyUrl: '/privacy',
        consentNotice: { title, description: text, learnMore: choose },
        consentModal: { title: 'Privacy choices', description: 'Here you can see and change what runs on this site.' },
        purposes: { analytics: 'Analytics', advertising: 'Advertising' },
        ok: accept, acceptAll: accept, decline: reject, acceptSelected: 'Save my choice',
      },
    },
  };
  if (asks) klaro.setup(settings); // elsewhere the panel opens from the footer only
  manager = klaro.getManager(settings);
  manager.watch({
    update(_, what) {
      if (what !== 'saveConsents') return;
      const kept = rules.recorded(held());
      if (sameCategories(kept, held())) return void setTimeout(changed); // klaro confirms after it tells
      for (const name of CATEGORIES) manager.updateConsent(name, kept[name]);
      manager.saveAndApplyConsents('script');
    },
  });
}

/** From outside: presses what a person would press. */
export async function act(page, choice) {
  const notice = page.locator('#klaro .cookie-notice');
  if (choice === 'all') return notice.locator('.cm-btn-success').click();
  if (choice === 'necessary') return notice.locator('.cn-decline').click();
  if (choice === 'withdraw') await page.click(SETTINGS_LINK); // once confirmed, its panel has no button that rejects: only the switches
  else await notice.locator('.cn-learn-more').click();
  const panel = page.locator('#klaro .cookie-modal');
  for (const name of CATEGORIES) {
    const wanted = choice === 'analytics' && name === 'analytics';
    if (await panel.locator(`#service-item-${name}`).isChecked() === wanted) continue;
    await panel.locator(`label[for="service-item-${name}"]`).click();
  }
  return panel.locator('.cm-btn-accept').click();
}

/** What the manager itself holds. */
export function read(page) {
  return page.evaluate(() => {
    const pair = document.cookie.split('; ').find((text) => text.startsWith('klaro='));
    const kept = pair ? JSON.parse(decodeURIComponent(pair.slice(6))) : {};
    return { chosen: pair !== undefined, categories: { analytics: kept.analytics === true, advertising: kept.advertising === true } };
  });
}
