/** TC strings of the two managers that speak TCF: what a choice becomes on the wire (TCF 2.3, disclosed vendors included). */
import { GVL, TCModel, TCString } from '@iabtechlabtcf/core';

export const CMP_ID = 3999; // nobody's: the published ids end far below
export const CMP_VERSION = 1;
const ANALYTICS = [1, 8, 9, 11];
const ADVERTISING = [1, 2, 3, 4, 7, 9, 10];
const INTERESTS = [2, 7, 8, 9, 10, 11];

const named = (count) => Object.fromEntries(
  Array.from({ length: count }, (_, i) => [i + 1, { id: i + 1, name: String(i + 1), description: '', illustrations: [] }]),
);

/** A vendor list in the format of the global one (GVL 3) from {id: {name, purposes, legIntPurposes, ...}}. */
function vendorList(vendors) {
  return {
    gvlSpecificationVersion: 3, vendorListVersion: 1, tcfPolicyVersion: 5, lastUpdated: '2025-01-02T16:00:00Z',
    purposes: named(11), specialPurposes: named(3), features: named(3), specialFeatures: named(2), dataCategories: named(11), stacks: {},
    vendors: Object.fromEntries(Object.entries(vendors).map(([id, vendor]) => [id, {
      id: Number(id), flexiblePurposes: [], specialPurposes: [1, 2], features: [], specialFeatures: [], cookieMaxAgeSeconds: 31536000,
      usesCookies: true, cookieRefresh: true, usesNonCookieAccess: true, dataRetention: { stdRetention: 390, purposes: {}, specialPurposes: {} },
      dataDeclaration: [1, 2, 3, 6, 8], urls: [{ langId: 'en', privacy: 'https://vendors.test/privacy' }], ...vendor,
    }])),
  };
}

/** The TC string of a choice under the rules of the manager. Vendors are consented to only where advertising is. */
export function tcString(vendors, categories, rules) {
  const model = new TCModel(new GVL(vendorList(vendors)));
  Object.assign(model, {
    cmpId: CMP_ID, cmpVersion: CMP_VERSION, consentScreen: 1, consentLanguage: 'EN', publisherCountryCode: 'IE', isServiceSpecific: true,
  });
  const ids = Object.keys(vendors).map(Number);
  model.vendorsDisclosed.set(rules.disclosed(ids));
  if (categories.analytics) model.purposeConsents.set(ANALYTICS);
  if (categories.advertising) {
    model.purposeConsents.set(ADVERTISING);
    model.vendorConsents.set(ids);
  }
  if (rules.claimsInterest(categories)) {
    model.purposeLegitimateInterests.set(INTERESTS);
    model.vendorLegitimateInterests.set(ids.filter((id) => vendors[id].legIntPurposes.length));
  }
  return TCString.encode(model);
}

/** The categories that a TC string grants. */
export function grantedBy(string) {
  const { purposeConsents } = TCString.decode(string);
  return { analytics: purposeConsents.has(8), advertising: purposeConsents.has(4) };
}
