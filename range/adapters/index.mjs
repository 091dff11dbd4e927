/** Real ad auctions for the range: the bid adapters of prebid.js with sample ad units, bundled as a site would bundle them.
 *
 * listAdapters() -> [{bidder, module, family, component, aliasOf, gvlid, supported, settings, units: [{mediaTypes, params, ortb2Imp?}]}]
 * buildPrebid({bidders, enforce, modules, minify}) -> {text, moduleMap, modules, bidders}: the script, an IIFE that registers
 *   window.rangeTags['prebid.js'].start({region, told, enforce, ortb2}) (see client.mjs).
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import {
  PREBID, adapterModules, completed, moduleSource, normalise, pageOf, registeredBidders, samplesIn, settingsIn, specOf, supportedMedia,
} from './extract.mjs';
import { adUnits } from '../adunits.mjs';
import { adapterFamilies } from './families.mjs';
import { moduleMap } from './modulemap.mjs';

const here = new URL('.', import.meta.url);
const CONSENT = ['consentManagementTcf', 'consentManagementGpp', 'consentManagementUsp'];
const ENFORCEMENT = ['tcfControl', 'gppControl_usnat', 'gppControl_usstates'];
const IDENTITY = ['userId', 'sharedIdSystem'];
/** Modules of prebid.js that take the hash of an e-mail address and send it to their vendor; `name` is the one in its configuration. */
export const USER_IDS = {
  connectIdSystem: { name: 'connectId', component: 'prebid.js/connectId', family: 'prebid.js/connectIdSystem' },
  publinkIdSystem: { name: 'publinkId', component: 'prebid.js/publinkId', family: 'prebid.js/publinkIdSystem' },
  fabrickIdSystem: { name: 'fabrickId', component: 'prebid.js/fabrickId', family: 'prebid.js/fabrickIdSystem' },
};

/** The ad units of the demo are samples as well. */
const DEMO = adUnits.flatMap(({ mediaTypes, bids }) => bids.map(({ bidder, params }) => ({ bidder, params, mediaTypes })));

/** Settings that a bidder gives its publishers by hand and no page shows. */
const GIVEN = { apsBidAdapter: { aps: { accountID: '1001' } }, docereeBidAdapter: { doceree: { context: { data: {} } } } };

let listed;

/** The adapters with at least one sample unit; an alias has the units of its parent unless a page shows its own. */
export function listAdapters() {
  listed ??= readAdapters();
  return listed;
}

function readAdapters() {
  const { families } = adapterFamilies();
  return adapterModules().flatMap((module) => {
    const bidders = registeredBidders(module);
    const page = pageOf(module);
    const source = moduleSource(module);
    const shown = samplesIn(page);
    let tested; // read for the few that need it
    const others = () => {
      tested ??= [...DEMO.filter(({ bidder }) => bidders.some((one) => one.bidder === bidder)), ...samplesIn(specOf(module))];
      return tested;
    };
    const samples = completed(shown.length ? shown : others(), others, source);
    const supported = supportedMedia(source);
    const settings = { ...settingsIn(page, source), ...GIVEN[module] };
    return bidders.map(({ bidder, aliasOf, gvlid }) => {
      const own = samples.filter((sample) => sample.bidder === bidder);
      const known = new Set(bidders.map((other) => other.bidder));
      const parents = samples.filter((sample) => sample.bidder === (aliasOf ?? bidder) || !known.has(sample.bidder));
      const units = normalise(own.length ? own : parents.length ? parents : samples, supported);
      return {
        bidder, module, family: families.get(module).family, component: `prebid.js/${bidder}`, aliasOf, gvlid, supported, settings, units,
      };
    });
  }).filter(({ units }) => units.length);
}

const entryOf = (module) => {
  const path = `dist/src/public/${module}.js`;
  if (!existsSync(new URL(path, PREBID))) throw new Error(`prebid.js has no module ${module}`);
  return `import 'prebid.js/modules/${module}.js';`;
};

/**
 * Bundles prebid.js with the adapters of some bidders.
 * @param bidders codes; aliases bring their parent's module.
 * @param enforce with tcfControl and gppControl, which hold activities back where consent is missing.
 * @param modules further modules, such as keys of USER_IDS.
 */
export async function buildPrebid({ bidders, enforce = false, modules = [], minify = true }) {
  const adapters = new Map(listAdapters().map((adapter) => [adapter.bidder, adapter]));
  const chosen = bidders.map((bidder) => {
    if (!adapters.has(bidder)) throw new Error(`no adapter of prebid.js with a sample unit has the bidder code ${bidder}`);
    return adapters.get(bidder);
  });
  const names = [...new Set([
    ...IDENTITY, ...CONSENT, ...(enforce ? ENFORCEMENT : []), ...modules, ...chosen.map(({ module }) => module),
  ])];
  const plan = {
    enforce,
    bidders: chosen.map(({ bidder, units }) => ({ bidder, units })),
    settings: Object.assign({}, ...chosen.map(({ settings }) => settings)),
    userIds: modules.filter((module) => module in USER_IDS).map((module) => USER_IDS[module].name),
  };
  const contents = [
    "import pbjs from 'prebid.js';",
    ...names.map(entryOf),
    "import { register } from './client.mjs';",
    `register(pbjs, ${JSON.stringify(plan)});`,
  ].join('\n');
  const result = await build({
    stdin: { contents, resolveDir: fileURLToPath(here), sourcefile: 'prebid-entry.js' },
    alias: { 'prebid-internal': fileURLToPath(new URL('dist/src/src', PREBID)) },
    bundle: true, write: false, format: 'iife', target: 'es2022', minify, sourcemap: 'external', sourcesContent: false, outfile: 'prebid.js',
    logLevel: 'silent', define: { global: 'window' }, // as the bundlers of sites have it; some adapters rely on it
  });
  const file = (suffix) => result.outputFiles.find(({ path }) => path.endsWith(suffix)).text;
  return { text: file('.js'), moduleMap: moduleMap(JSON.parse(file('.js.map'))), modules: names, bidders: [...bidders] };
}
