// Consent manager of shop.test: the vanilla-cookieconsent dialog, with a TC string from the IAB's own library behind it.
import * as CookieConsent from 'vanilla-cookieconsent';
import { CmpApi } from '@iabtechlabtcf/cmpapi';
import { GVL, TCModel, TCString } from '@iabtechlabtcf/core';

const CMP_ID = 3999;
const CMP_VERSION = 1;
const TC_COOKIE = 'euconsent-v2';
const HALF_A_YEAR = 182 * 86400;
const inEurope = document.documentElement.dataset.region === 'EU';

function tcString(categories) {
  const model = new TCModel(new GVL(VENDOR_LIST));
  model.cmpId = CMP_ID;
  model.cmpVersion = CMP_VERSION;
  model.consentScreen = 1;
  model.publisherCountryCode = 'IE';
  model.isServiceSpecific = true;
  model.setAllVendorsDisclosed();
  if (categories.includes('analytics')) model.purposeConsents.set([1, 7, 8, 9]);
  if (categories.includes('advertising')) {
    model.purposeConsents.set([1, 2, 3, 4, 7, 9, 10]);
    model.setAllVendorConsents();
  }
  return TCString.encode(model);
}

function storedTcString() {
  return document.cookie.match(new RegExp(`(?:^|; )${TC_COOKIE}=([^;]+)`))?.[1];
}

async function runInEurope(config) {
  const api = new CmpApi(CMP_ID, CMP_VERSION, true);
  window.addEventListener('cc:onConsent', ({ detail }) => {
    const stored = storedTcString();
    const string = stored ?? tcString(detail.cookie.categories);
    if (!stored) document.cookie = `${TC_COOKIE}=${string}; Path=/; Max-Age=${HALF_A_YEAR}; Secure; SameSite=Lax`;
    api.update(string, false);
  });
  await CookieConsent.run(config);
  if (!CookieConsent.validConsent()) api.update(tcString([]), true);
}

async function runInCalifornia(config) {
  // The mistake of this site: the notice is given, the opt-out of Global Privacy Control is not looked at.
  window.__uspapi = (command, version, callback) => {
    if (command === 'getUSPData') callback({ version: 1, uspString: '1YNN' }, true);
    else callback(null, false);
  };
  await CookieConsent.run({ ...config, mode: 'opt-out', autoShow: false });
}

const config = {
  hideFromBots: false,
  guiOptions: { consentModal: { layout: 'box', position: 'bottom right', equalWeightButtons: true } },
  categories: { necessary: { enabled: true, readOnly: true }, analytics: { enabled: !inEurope }, advertising: { enabled: !inEurope } },
  language: {
    default: 'en',
    translations: {
      en: {
        consentModal: {
          title: 'Your privacy at Harbour Goods',
          description: 'We and our 20 advertising partners would like to store and read information on your device to measure '
            + 'visits and to choose advertising. You decide; the shop works either way.',
          acceptAllBtn: 'Accept all',
          acceptNecessaryBtn: 'Reject all',
          showPreferencesBtn: 'Choose in detail',
        },
        preferencesModal: {
          title: 'Privacy choices',
          acceptAllBtn: 'Accept all',
          acceptNecessaryBtn: 'Reject all',
          savePreferencesBtn: 'Save my choice',
          closeIconLabel: 'Close',
          sections: [
            { title: 'Necessary', description: 'The basket and signing in.', linkedCategory: 'necessary' },
            { title: 'Analytics', description: 'Counting visits.', linkedCategory: 'analytics' },
            { title: 'Advertising', description: 'Choosing and measuring advertising.', linkedCategory: 'advertising' },
          ],
        },
      },
    },
  },
};

window.CookieConsent = CookieConsent;
if (inEurope) runInEurope(config);
else runInCalifornia(config);
