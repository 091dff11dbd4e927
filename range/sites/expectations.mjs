/** What prove.mjs expects: the state after each choice, the signals that go with it, and the stages at which a tag may call. */
import { TCString } from '@iabtechlabtcf/core';

export const PROBE = { host: 'collect.probe.test', cdn: 'cdn.probe.test', pixel: 'pixel.probe.test' };
const TCF_SPEAKERS = ['tcf', 'gpp'];
const RIGHT = { none: 'unset', all: 'analytics+advertising', necessary: 'denied', analytics: 'analytics', withdraw: 'denied' };

/** The faults of consent managers that are tried with each of them, alone. */
export const managerProofs = (cmp) => [
  [], ['reject_that_accepts'], ['consent_mode_default_granted'],
  ...(TCF_SPEAKERS.includes(cmp) ? [['legitimate_interest'], ['vendor_not_disclosed']] : []),
];

const decoded = ({ tcString }) => TCString.decode(tcString);
const SIGNALS = {
  legitimate_interest: { necessary: async (state) => [true, decoded(state).purposeLegitimateInterests.size > 0 && decoded(state).vendorLegitimateInterests.size > 0] },
  vendor_not_disclosed: { all: async (state) => ['10,11,12', [...decoded(state).vendorsDisclosed].filter(([, is]) => is).map(([id]) => id).join()] },
  consent_mode_default_granted: {
    none: async (_, page) => [true, await page.evaluate(() => window.rangeConsent.state().categories.advertising)],
    necessary: async (_, page) => [false, await page.evaluate(() => window.rangeConsent.state().categories.advertising)],
  },
  right: { none: async (_, page) => [false, await page.evaluate(() => window.rangeConsent.state().categories.advertising)] },
};

/** The choices that a fault bears on; without a fault all of them. */
const CHOICES = {
  reject_that_accepts: ['necessary', 'withdraw'], consent_mode_default_granted: ['none', 'necessary'], legitimate_interest: ['necessary'],
  vendor_not_disclosed: ['all'],
};

/** {choice: {state, signal?}} of a manager with one fault or none. */
export function expectedStates([fault]) {
  const refused = fault === 'reject_that_accepts' ? RIGHT.all : RIGHT.necessary;
  const states = { ...RIGHT, necessary: refused, withdraw: refused };
  const signals = SIGNALS[fault ?? 'right'] ?? {};
  const choices = CHOICES[fault] ?? Object.keys(RIGHT);
  return Object.fromEntries(choices.map((choice) => [choice, { state: states[choice], ...(signals[choice] ? { signal: signals[choice] } : {}) }]));
}

const flow = (first, after, next, more = {}) => ({ first, after, next, ...more });
const QUIET = flow(false, false, false);

/** Stages at which a tag of the category advertising calls: on the first page, after the choice, on the next page. */
export const EXPECTED_FLOWS = [
  { cmp: 'klaro', faults: [], expected: { none: QUIET, all: flow(false, true, true), necessary: QUIET, analytics: QUIET, withdraw: QUIET, gpc: QUIET } },
  { cmp: null, faults: [], expected: { none: flow(true, undefined, true) } },
  { cmp: 'klaro', faults: ['fires_before_choice'], expected: { none: flow(true, undefined, true), necessary: flow(true, false, false), gpc: flow(true, undefined, true) } },
  { cmp: 'vanilla-cookieconsent', faults: ['ignores_reject'], expected: { none: QUIET, necessary: flow(false, true, true), gpc: flow(true, undefined, true) } },
  { cmp: 'cookieconsent', faults: ['reject_that_accepts'], expected: { none: QUIET, necessary: flow(false, true, true) } },
  { cmp: 'tarteaucitronjs', faults: ['consent_mode_default_granted'], expected: { none: flow(true, undefined, true), necessary: flow(true, false, false) } },
  { cmp: 'vanilla-cookieconsent', faults: ['partial_ignored'], expected: { analytics: flow(false, true, true), necessary: QUIET } },
  { cmp: 'tcf', faults: ['legitimate_interest'], expected: { necessary: flow(true, undefined, true) } },
  { cmp: 'klaro', faults: ['kept_after_withdrawal'], expected: { necessary: QUIET, withdraw: flow(false, undefined, true) } },
  { cmp: 'gpp', faults: ['kept_after_withdrawal'], expected: { withdraw: flow(false, undefined, true), gpc: QUIET } },
  { cmp: 'vanilla-cookieconsent', faults: ['storage_respawn'], expected: { necessary: { ...QUIET, restored: false }, withdraw: { ...QUIET, restored: true } } },
  { cmp: 'klaro', faults: ['hashed_email'], expected: { necessary: { ...QUIET, pixel: true } } },
  { cmp: 'klaro', faults: ['first_party_proxy'], expected: { necessary: flow(true, undefined, true) } },
  { cmp: 'tcf', faults: ['cname_cloak'], expected: { necessary: flow(true, undefined, true) } },
  { cmp: 'tcf', faults: ['tcf_not_enforced'], expected: { none: flow(true, undefined, true), necessary: flow(true, undefined, true) } },
  ...['tcf', 'gpp', 'cookieconsent', 'tarteaucitronjs', 'vanilla-cookieconsent'].map((cmp) => (
    { cmp, faults: [], expected: { withdraw: QUIET, gpc: QUIET } })),
];
