/** What the consent managers share in the page: the state the tags see, its listeners, and the record of a choice. */
import { managerWith } from '../sites/faults.mjs';

export const CATEGORIES = ['analytics', 'advertising'];
export const SETTINGS_LINK = '#privacy-settings';

export const categoriesOf = (granted) => Object.fromEntries(CATEGORIES.map((name) => [name, granted.includes(name)]));
export const sameCategories = (one, other) => CATEGORIES.every((name) => one[name] === other[name]);

/** Keeps proof of the choice with the consent manager's company, as the commercial ones do: a random record number, no person. */
function record(address, site, categories) {
  if (!address) return;
  const body = JSON.stringify({ record: crypto.randomUUID(), site, categories, at: new Date().toISOString() });
  fetch(address, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body, keepalive: true });
}

/**
 * Puts `window.rangeConsent` into the page.
 * @param config {site, region, faults, record}; open() shows the dialog again; read() returns {chosen, categories, ...}, categories
 *   being what the manager itself holds (null before any answer).
 * @returns {rules, changed}: the rules with the site's faults, and the function to call when the manager has a new state.
 */
export function publish({ site, region, faults, record: address }, { read, open }) {
  const rules = managerWith(faults);
  const gpc = navigator.globalPrivacyControl === true;
  const listeners = [];
  const state = () => {
    const { chosen, categories, ...signals } = read();
    const held = chosen ? categories : rules.atFirst({ region, gpc });
    const optedOut = !chosen && region !== 'EU' && gpc;
    return { chosen, categories: held, optedOut, legitimateInterest: region === 'EU' && rules.claimsInterest(held), ...signals };
  };
  window.rangeConsent = { state, open, onChange: (listener) => listeners.push(listener) };
  document.querySelector(SETTINGS_LINK)?.addEventListener('click', open);
  return {
    rules,
    atFirst: rules.atFirst({ region, gpc }),
    asks: region === 'EU',
    changed() {
      const now = state();
      record(address, site, now.categories);
      for (const listener of listeners) listener(now);
    },
  };
}

/** The address of a file of an installed package on jsDelivr, which the origin server answers from that package. */
export const onJsdelivr = (name, version, file) => `https://cdn.jsdelivr.net/npm/${name}@${version}/${file}`;
