/** A consent manager for the IAB TCF on @iabtechlabtcf/cmpapi and core: `__tcfapi` in Europe, `__uspapi` in the United States. */
import { CmpApi } from '@iabtechlabtcf/cmpapi';
import { publish } from './_consent.mjs';
import { dialog, press } from './_dialog.mjs';
import { CMP_ID, CMP_VERSION, grantedBy, tcString } from './_tcstring.mjs';

export const about = {
  cmp: 'tcf', package: '@iabtechlabtcf/cmpapi', api: 'tcf', bundle: 'https://cdn.consent-manager.test/tcf',
  cookies: ['euconsent-v2', 'usprivacy'], recordHost: 'records.consent-manager.test',
};

const AGE = 'Path=/; Max-Age=15552000; Secure; SameSite=Lax';
const cookie = (name) => document.cookie.match(new RegExp(`(?:^|; )${name}=([^;]*)`))?.[1];

function runInEurope(config) {
  const api = new CmpApi(CMP_ID, CMP_VERSION, true);
  const { vendors, words } = config;
  const held = () => (cookie('euconsent-v2') ? grantedBy(cookie('euconsent-v2')) : null);
  const { rules, atFirst, changed } = publish(config, {
    read: () => ({ chosen: held() !== null, categories: held(), tcString: cookie('euconsent-v2') }),
    open: () => {
      asked.show();
      api.update(cookie('euconsent-v2') ?? '', true);
    },
  });
  const asked = dialog(words, config.layout ?? 'sheet', (pressed) => {
    const string = tcString(vendors, rules.recorded(pressed), rules);
    document.cookie = `euconsent-v2=${string}; ${AGE}`;
    api.update(string, false);
    changed();
  });
  if (held()) return api.update(cookie('euconsent-v2'), false);
  asked.show();
  api.update(tcString(vendors, atFirst, rules), true);
}

function runInTheUnitedStates(config) {
  const saved = () => cookie('usprivacy');
  const { atFirst, rules, changed } = publish(config, {
    read: () => ({ chosen: saved() !== undefined, categories: { analytics: saved() === '1YNN', advertising: saved() === '1YNN' } }),
    open: () => asked.show(),
  });
  const asked = dialog(config.words, 'box', (pressed) => {
    document.cookie = `usprivacy=1Y${rules.recorded(pressed).advertising ? 'N' : 'Y'}N; ${AGE}`;
    changed();
  });
  window.__uspapi = (command, version, callback) => {
    if (command === 'getUSPData') callback({ version: 1, uspString: saved() ?? `1Y${atFirst.advertising ? 'N' : 'Y'}N` }, true);
    else callback(null, false);
  };
}

/** In the page. */
export async function init(config) {
  if (config.region === 'EU') runInEurope(config);
  else runInTheUnitedStates(config);
}

/** From outside: presses what a person would press. */
export const act = press;

/** What the manager says through `__tcfapi` and keeps in its cookie. */
export async function read(page) {
  const { string, event } = await page.evaluate(() => new Promise((resolve) => {
    if (!window.__tcfapi) return resolve({});
    setTimeout(resolve, 3000, {}); // one that never answers holds nothing
    window.__tcfapi('addEventListener', 2, (data, ok) => {
      if (!ok) return resolve({});
      window.__tcfapi('removeEventListener', 2, () => {}, data.listenerId);
      resolve({ string: data.tcString, event: data.eventStatus });
    });
  }));
  const chosen = Boolean(string) && event !== 'cmpuishown';
  const none = { analytics: false, advertising: false };
  return { chosen, categories: chosen ? grantedBy(string) : none, tcString: string ?? null };
}
