/** vanilla-cookieconsent: a dialog with its own API; it hides from automated browsers unless told not to. */
import { CATEGORIES, SETTINGS_LINK, categoriesOf, publish } from './_consent.mjs';

export const about = {
  cmp: 'vanilla-cookieconsent', package: 'vanilla-cookieconsent', api: 'own',
  files: { script: 'dist/cookieconsent.umd.js', style: 'dist/cookieconsent.css' },
  cookies: ['cc_cookie'], recordHost: 'records.consent-ledger.test',
};

/** In the page. */
export async function init(config) {
  const { CookieConsent } = window;
  const { rules, atFirst, asks, changed } = publish(config, {
    read: () => ({
      chosen: CookieConsent.validConsent(),
      categories: categoriesOf(CookieConsent.getUserPreferences().acceptedCategories),
    }),
    open: () => CookieConsent.showPreferences(),
  });
  const answered = () => {
    const pressed = categoriesOf(CookieConsent.getUserPreferences().acceptedCategories);
    const kept = rules.recorded(pressed);
    const wanted = CATEGORIES.filter((name) => kept[name]);
    if (CATEGORIES.some((name) => kept[name] !== pressed[name])) CookieConsent.acceptCategory(['necessary', ...wanted]);
    else changed();
  };
  const { title, text, accept, reject, choose } = config.words;
  await CookieConsent.run({
    hideFromBots: false,
    autoShow: asks,
    mode: asks ? 'opt-in' : 'opt-out',
    guiOptions: { consentModal: { layout: config.layout ?? 'box', position: config.position ?? 'bottom right', equalWeightButtons: true } },
    categories: {
      necessary: { enabled: true, readOnly: true },
      ...Object.fromEntries(CATEGORIES.map((name) => [name, { enabled: atFirst[name] }])),
    },
    onFirstConsent: answered,
    onChange: answered,
    language: {
      default: 'en',
      translations: {
        en: {
          consentModal: { title, description: text, acceptAllBtn: accept, acceptNecessaryBtn: reject, showPreferencesBtn: choose },
          preferencesModal: {
            title: 'Privacy choices', acceptAllBtn: accept, acceptNecessaryBtn: reject, savePreferencesBtn: 'Save my choice',
            closeIconLabel: 'Close',
            sections: [
              { title: 'Necessary', description: 'Signing in and the form you are filling in.', linkedCategory: 'necessary' },
              { title: 'Analytics', description: 'Counting visits and finding faults.', linkedCategory: 'analytics' },
              { title: 'Advertising', description: 'Choosing and measuring advertising.', linkedCategory: 'advertising' },
            ],
          },
        },
      },
    },
  });
}

/** From outside: presses what a person would press. */
export async function act(page, choice) {
  const dialog = page.locator('#cc-main .cm');
  if (choice === 'all' || choice === 'necessary') return dialog.locator(`[data-role="${choice}"]`).click();
  const panel = page.locator('#cc-main .pm');
  if (choice === 'withdraw') {
    await page.click(SETTINGS_LINK);
    return panel.locator('[data-role="necessary"]').click();
  }
  await dialog.locator('[data-role="show"]').click();
  for (const name of CATEGORIES) {
    const toggle = `.section__toggle[value="${name}"]`;
    if (await panel.locator(toggle).isChecked() === (name === 'analytics')) continue;
    await panel.locator(`.section__toggle-wrapper:has(${toggle})`).click();
  }
  return panel.locator('[data-role="save"]').click();
}

/** What the manager itself holds. */
export function read(page) {
  return page.evaluate(() => {
    const { acceptedCategories } = window.CookieConsent.getUserPreferences();
    const chosen = window.CookieConsent.validConsent();
    const has = (name) => chosen && acceptedCategories.includes(name);
    return { chosen, categories: { analytics: has('analytics'), advertising: has('advertising') } };
  });
}
