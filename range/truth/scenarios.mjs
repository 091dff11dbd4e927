/** What the person does in each scenario, what state that should leave behind, and whether it did. */

const nothing = { analytics: false, advertising: false };
const everything = { analytics: true, advertising: true };

/** choices: what is pressed on the first page, then on the second; wanted: the categories that the last of them grants. */
export const SCENARIOS = {
  no_action: { region: 'EU', gpc: false, first: null, second: null, wanted: null },
  accept: { region: 'EU', gpc: false, first: 'all', second: null, wanted: everything },
  reject: { region: 'EU', gpc: false, first: 'necessary', second: null, wanted: nothing },
  partial: { region: 'EU', gpc: false, first: 'analytics', second: null, wanted: { analytics: true, advertising: false } },
  gpc: { region: 'US-CA', gpc: true, first: null, second: null, wanted: null },
  withdraw: { region: 'EU', gpc: false, first: 'all', second: 'withdraw', wanted: nothing },
};

/** The categories that a choice grants. */
export const GRANTS = {
  all: everything, necessary: nothing, withdraw: nothing, analytics: { analytics: true, advertising: false },
};

/** The name of a state of consent. */
export function stateOf({ chosen, categories }, gpc) {
  if (!chosen) return gpc ? 'opted_out' : 'unset';
  const { analytics, advertising } = categories;
  if (analytics !== advertising) return 'partial';
  return analytics ? 'granted' : 'denied';
}

/**
 * verified, contradicted or unknown: whether the state read back from the consent manager is the one that was wanted.
 * @param state {chosen, categories}, or null where it could not be read; with no consent manager nothing can have been chosen.
 * @param signalled whether the Global Privacy Control signal reached page and server.
 */
export function judge({ gpc, wanted }, state, signalled) {
  if (gpc) return signalled ? 'verified' : 'contradicted';
  if (!state) return 'unknown';
  if (!wanted) return state.chosen ? 'contradicted' : 'verified';
  const agrees = state.chosen && state.categories.analytics === wanted.analytics && state.categories.advertising === wanted.advertising;
  return agrees ? 'verified' : 'contradicted';
}
