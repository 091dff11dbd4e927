/** What sites get wrong: each fault is one small function that turns a right gate or a right consent manager into a wrong one.
 * This file runs in the page; a site names its faults, see catalogue.mjs. */

/**
 * How a tag is let in. `allows(state, category, kept)`: may it run now? state is {chosen, categories, legitimateInterest} of the
 * consent manager, kept says that it ran under an earlier consent. `forgets`: its identifiers are erased on withdrawal.
 */
export const RIGHT_GATE = {
  allows: ({ categories }, category) => category === 'necessary' || categories[category],
  forgets: true,
  respawns: false,
  pixel: false,
};

const GATE_FAULTS = {
  /** Runs with the page and listens only once there is an answer. */
  fires_before_choice: (gate) => ({ ...gate, allows: (state, ...rest) => !state.chosen || gate.allows(state, ...rest) }),
  /** Waits for an answer, whatever the answer is; an opt-out signal of the browser changes nothing either. */
  ignores_reject: (gate) => ({ ...gate, allows: (state, ...rest) => state.chosen || state.optedOut || gate.allows(state, ...rest) }),
  /** One purpose granted is taken for all of them. */
  partial_ignored: (gate) => ({
    ...gate, allows: (state, ...rest) => state.categories.analytics || state.categories.advertising || gate.allows(state, ...rest),
  }),
  /** A legitimate interest in the TC string is taken for consent. */
  legitimate_interest: (gate) => ({ ...gate, allows: (state, ...rest) => state.legitimateInterest || gate.allows(state, ...rest) }),
  /** Looks like the site itself, so nobody asks. */
  first_party_proxy: (gate) => ({ ...gate, allows: () => true }),
  cname_cloak: (gate) => ({ ...gate, allows: () => true }),
  /** Once let in, stays: neither the withdrawal nor the next page ends it, and its identifiers are kept. */
  kept_after_withdrawal: (gate) => ({
    ...gate, forgets: false, allows: (state, category, kept) => kept || gate.allows(state, category, kept),
  }),
  /** A copy of the visitor id outlives the cookie and brings it back, and the tag's recipient hears of it. */
  storage_respawn: (gate) => ({ ...gate, respawns: true }),
  /** The hash of the e-mail address goes to the tag's recipient at sign-in, whatever was chosen. */
  hashed_email: (gate) => ({ ...gate, pixel: true }),
  /** Header bidding starts with the page and passes the signal on; nothing enforces it (no tcfControl module). */
  tcf_not_enforced: (gate) => ({ ...gate, allows: () => true }),
};

/**
 * The rules of a consent manager. `atFirst`: categories before any answer; `recorded`: categories kept for those pressed;
 * `claimsInterest`: does the TC string claim legitimate interest; `disclosed`: vendors that the dialog told about.
 */
export const RIGHT_MANAGER = {
  atFirst: ({ region, gpc }) => both(region !== 'EU' && !gpc),
  recorded: (pressed) => pressed,
  claimsInterest: ({ advertising }) => advertising,
  disclosed: (vendors) => vendors,
};

const MANAGER_FAULTS = {
  /** The button says reject, what is kept is a yes; an opt-out signal is overruled likewise. */
  reject_that_accepts: (manager) => ({
    ...manager,
    atFirst: ({ region }) => both(region !== 'EU'),
    recorded: (pressed) => (pressed.analytics || pressed.advertising ? pressed : both(true)),
  }),
  /** The default of the consent signal is granted, in Europe too and against an opt-out signal; a later answer counts. */
  consent_mode_default_granted: (manager) => ({ ...manager, atFirst: () => both(true) }),
  /** A refusal leaves the legitimate interests of purposes and vendors standing. */
  legitimate_interest: (manager) => ({ ...manager, claimsInterest: () => true }),
  /** Every fourth vendor of the page is not on the list that the dialog shows. */
  vendor_not_disclosed: (manager) => ({ ...manager, disclosed: (vendors) => vendors.filter((_, index) => index % 4 !== 3) }),
};

export const FAULTS = [...new Set([...Object.keys(GATE_FAULTS), ...Object.keys(MANAGER_FAULTS)])];
export const isManagerFault = (name) => name in MANAGER_FAULTS;
export const isGateFault = (name) => name in GATE_FAULTS;

function both(granted) {
  return { analytics: granted, advertising: granted };
}

const apply = (faults, table, right) => faults.reduce((made, name) => (table[name] ? table[name](made) : made), right);
export const gateWith = (faults) => apply(faults, GATE_FAULTS, RIGHT_GATE);
export const managerWith = (faults) => apply(faults, MANAGER_FAULTS, RIGHT_MANAGER);
