/** A consent manager for the IAB GPP on @iabgpp/cmpapi: section tcfeuv2 in Europe (with `__tcfapi` beside it), usnat in the United States. */
import { CmpApi as GppApi, CmpDisplayStatus, CmpStatus, GppModel, SignalStatus } from '@iabgpp/cmpapi';
import { CmpApi as TcfApi } from '@iabtechlabtcf/cmpapi';
import { publish } from './_consent.mjs';
import { dialog, press } from './_dialog.mjs';
import { CMP_ID, CMP_VERSION, grantedBy, tcString } from './_tcstring.mjs';

export const about = {
  cmp: 'gpp', package: '@iabgpp/cmpapi', api: 'gpp', bundle: 'https://cdn.privacy-platform.test/gpp',
  cookies: ['gpp'], recordHost: 'ledger.privacy-platform.test',
};

const KEPT = 'gpp';
const AGE = 'Path=/; Max-Age=15552000; Secure; SameSite=Lax';
const EUROPE = { name: 'tcfeuv2', id: 2 };
const STATES = { name: 'usnat', id: 7 };
const OPTED = { out: 1, in: 2 };
const NOTICE_GIVEN = 1;

const kept = () => document.cookie.match(new RegExp(`(?:^|; )${KEPT}=([^;]*)`))?.[1];

/** Fields of the usnat section (IAB GPP, US National): notices are given, the opt-outs follow the choice. */
function fillStates(api, { advertising }, gpc) {
  const opted = advertising ? OPTED.in : OPTED.out;
  const fields = {
    SharingNotice: NOTICE_GIVEN, SaleOptOutNotice: NOTICE_GIVEN, SharingOptOutNotice: NOTICE_GIVEN, TargetedAdvertisingOptOutNotice: NOTICE_GIVEN,
    SensitiveDataProcessingOptOutNotice: 0, SensitiveDataLimitUseNotice: 0, SaleOptOut: opted, SharingOptOut: opted,
    TargetedAdvertisingOptOut: opted, MspaCoveredTransaction: 2, MspaOptOutOptionMode: 0, MspaServiceProviderMode: 0, GpcSegmentIncluded: true, Gpc: gpc,
  };
  for (const [field, value] of Object.entries(fields)) api.setFieldValue(STATES.name, field, value);
}

/** In the page. */
export async function init(config) {
  const europe = config.region === 'EU';
  const section = europe ? EUROPE : STATES;
  const gpc = navigator.globalPrivacyControl === true;
  const api = new GppApi(CMP_ID, CMP_VERSION);
  const tcf = europe ? new TcfApi(CMP_ID, CMP_VERSION, true) : null;
  api.setApplicableSections([section.id]);
  api.setSupportedAPIs([`${EUROPE.id}:${EUROPE.name}`, `${STATES.id}:${STATES.name}`]);
  if (kept()) api.setGppString(kept());
  const held = () => {
    if (!kept()) return null;
    if (europe) return grantedBy(api.getSectionString(EUROPE.name));
    const granted = api.getFieldValue(STATES.name, 'SaleOptOut') === OPTED.in;
    return { analytics: granted, advertising: granted };
  };
  const { rules, atFirst, changed } = publish(config, {
    read: () => ({ chosen: held() !== null, categories: held(), gppString: api.getGppString() }),
    open: () => {
      asked.show();
      api.setCmpDisplayStatus(CmpDisplayStatus.VISIBLE);
    },
  });
  const write = (categories, isAnswer) => {
    if (europe) {
      const string = tcString(config.vendors, categories, rules);
      api.setSectionString(EUROPE.name, string);
      tcf.update(string, !isAnswer);
    } else fillStates(api, categories, gpc);
    if (isAnswer) document.cookie = `${KEPT}=${api.getGppString()}; ${AGE}`;
    api.fireSectionChange(section.name);
  };
  const ready = (display, signal) => {
    api.setCmpDisplayStatus(display);
    api.setSignalStatus(signal);
  };
  const asked = dialog(config.words, config.layout ?? 'box', (pressed) => {
    write(rules.recorded(pressed), true);
    ready(CmpDisplayStatus.HIDDEN, SignalStatus.READY);
    changed();
  });
  api.setCmpStatus(CmpStatus.LOADED);
  if (kept()) {
    tcf?.update(api.getSectionString(EUROPE.name), false);
    ready(CmpDisplayStatus.HIDDEN, SignalStatus.READY);
    return;
  }
  write(atFirst, false);
  if (europe) asked.show();
  ready(europe ? CmpDisplayStatus.VISIBLE : CmpDisplayStatus.HIDDEN, europe ? SignalStatus.NOT_READY : SignalStatus.READY);
}

/** From outside: presses what a person would press. */
export const act = press;

/** What the manager says through `__gpp`; the string is decoded here, since `getSection` gives no tcfeuv2. */
export async function read(page) {
  const { ping, stored } = await page.evaluate((name) => new Promise((resolve) => {
    setTimeout(resolve, 3000, {}); // one that never answers holds nothing
    window.__gpp('ping', (data) => resolve({ ping: data, stored: document.cookie.includes(`${name}=`) }));
  }), KEPT);
  const chosen = stored === true && ping.signalStatus === SignalStatus.READY;
  const gppString = ping?.gppString ?? null;
  if (!chosen) return { chosen, categories: { analytics: false, advertising: false }, gppString };
  const model = new GppModel(gppString);
  if (model.hasSection(EUROPE.name)) {
    const tc = model.encodeSection(EUROPE.name);
    return { chosen, categories: grantedBy(tc), gppString, tcString: tc };
  }
  const granted = model.getFieldValue(STATES.name, 'SaleOptOut') === OPTED.in;
  return { chosen, categories: { analytics: granted, advertising: granted }, gppString };
}
