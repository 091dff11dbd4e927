/** The sites of the range: what each looks like, which consent manager it has, which tags run on it and what it gets wrong. */
import { USER_IDS, listAdapters } from '../adapters/index.mjs';
import { cmpAddresses, cmpNamed } from '../cmps/index.mjs';
import { listSdks } from '../sdks/index.mjs';
import { FAULTS, isGateFault, isManagerFault, managerWith } from './faults.mjs';
import { groupOf } from './group.mjs';
import { vendorsOf } from './vendors.mjs';

const ALL_SCENARIOS = ['no_action', 'accept', 'reject', 'partial', 'gpc', 'withdraw'];
const WITHOUT_MANAGER = ['no_action', 'gpc'];
/** Visits of a scenario on one site. Nearly every component is on two sites or more, so its repeats are those of all of them. */
const REPEATS = { ads: 4, sdks: 6, clean: 4 };
const SHORT = ['accept', 'reject', 'gpc']; // they bring about every state of consent that there is
/** Hosts of real security vendors: what a bot check is for is known from who runs it. */
const SECURITY = { train: { host: 'client.px-cloud.net', form: 'json' }, test: { host: 'api-js.datadome.co', form: 'form' } };
/** SDKs whose recipient is an address that a customer sets, so that it can be put behind a path or a name of the site itself. */
const MOVABLE = new Set([
  '@snowplow/browser-tracker', 'countly-sdk-web', 'rrweb', 'clientjs', '@rajesh896/broprint.js',
  '@fingerprintjs/fingerprintjs', '@fingerprintjs/fingerprintjs@5',
]);
const TOLD = [
  ['userId', 'email', 'phone', 'name', 'visitorId', 'query', 'latitude', 'longitude'],
  ['userId', 'email', 'query'],
  ['visitorId', 'query', 'latitude', 'longitude'],
  ['userId', 'name', 'phone'],
];

/** [site, group, theme, title, consent manager or null, faults of the manager and of tags, {what bidders are told beyond ids, the share of bidders if not half, scenarios and repeats if fewer}]. */
const ADS = [
  ['harbour-courier.test', 'train', 'news', 'Harbour Courier', 'tcf', ['tcf_not_enforced'], { position: true, email: true }],
  ['pantry-recipes.test', 'train', 'recipes', 'Pantry', 'tcf', ['tcf_not_enforced', 'reject_that_accepts', 'vendor_not_disclosed']],
  ['trailmates.test', 'train', 'forum', 'Trailmates', null, []],
  ['weekend-wire.test', 'train', 'news', 'The Weekend Wire', 'tcf', []],
  ['morning-kite.test', 'train', 'news', 'Morning Kite', 'tcf', ['tcf_not_enforced', 'vendor_not_disclosed'], { position: true, scenarios: SHORT }],
  ['terrace-garden.test', 'train', 'forum', 'Terrace Garden', 'tcf', ['tcf_not_enforced', 'legitimate_interest'], { position: true, email: true, scenarios: SHORT }],
  ['skillet.test', 'train', 'recipes', 'Skillet', 'vanilla-cookieconsent', ['tcf_not_enforced', 'fires_before_choice'], { position: true, scenarios: SHORT }],
  ['ringside.test', 'train', 'news', 'Ringside', 'tarteaucitronjs', ['tcf_not_enforced', 'fires_before_choice'], { position: true, scenarios: SHORT }],
  ['valley-tribune.test', 'test', 'news', 'Valley Tribune', 'tcf', ['tcf_not_enforced', 'vendor_not_disclosed'], { position: true, email: true }],
  ['spoonful.test', 'test', 'recipes', 'Spoonful', 'gpp', ['legitimate_interest', 'tcf_not_enforced']],
  ['garden-talk.test', 'test', 'forum', 'Garden Talk', null, []],
  ['northline.test', 'test', 'news', 'Northline', 'tcf', []],
  ['evening-ledger.test', 'test', 'news', 'Evening Ledger', 'tcf', ['tcf_not_enforced', 'vendor_not_disclosed'], { position: true, scenarios: SHORT }],
  ['potting-shed.test', 'test', 'forum', 'The Potting Shed', 'gpp', ['tcf_not_enforced', 'reject_that_accepts'], { position: true, email: true, scenarios: SHORT }],
  ['larder.test', 'test', 'recipes', 'Larder', 'klaro', ['tcf_not_enforced', 'fires_before_choice'], { position: true, scenarios: SHORT }],
  ['touchline.test', 'test', 'news', 'Touchline', 'cookieconsent', ['tcf_not_enforced', 'fires_before_choice'], { position: true, scenarios: SHORT }],
];

/** Header bidding that waits for consent, and sites that ask nobody: what is allowed, and what no signal decides. Dealt apart. */
const CALM = [
  ['copper-lane.test', 'train', 'shop', 'Copper Lane', 'vanilla-cookieconsent'],
  ['northwind-post.test', 'train', 'news', 'Northwind Post', 'cookieconsent'],
  ['long-table.test', 'train', 'recipes', 'The Long Table', 'tarteaucitronjs'],
  ['trail-notes.test', 'train', 'travel', 'Trail Notes', 'vanilla-cookieconsent'],
  ['quiet-harbour.test', 'train', 'forum', 'Quiet Harbour', 'cookieconsent'],
  ['river-ledger.test', 'train', 'news', 'River Ledger', 'tarteaucitronjs'],
  ['dockside-forum.test', 'train', 'forum', 'Dockside', null],
  ['second-helping.test', 'train', 'recipes', 'Second Helping', null],
  ['maple-post.test', 'test', 'news', 'Maple Post', 'klaro'],
  ['salt-and-rye.test', 'test', 'recipes', 'Salt & Rye', 'cookieconsent'],
  ['summit-board.test', 'test', 'forum', 'Summit Board', 'vanilla-cookieconsent'],
  ['lamplight-news.test', 'test', 'news', 'Lamplight', 'klaro'],
  ['kettle-corner.test', 'test', 'shop', 'Kettle Corner', 'tarteaucitronjs'],
  ['wayfarer.test', 'test', 'travel', 'Wayfarer', 'cookieconsent'],
  ['allotment-talk.test', 'test', 'forum', 'Allotment Talk', null],
  ['weekday-news.test', 'test', 'news', 'Weekday News', null],
].map((row) => [...row, [], { position: true, email: true, scenarios: row[4] ? ['accept', 'reject'] : ['no_action'] }]);

/** A second hand of the same kinds, so that every bidder is on ten sites or more. */
const MORE = [
  ['signal-box.test', 'train', 'news', 'Signal Box', 'tcf', ['tcf_not_enforced']],
  ['market-row.test', 'train', 'shop', 'Market Row', 'tarteaucitronjs', ['tcf_not_enforced', 'fires_before_choice']],
  ['bench-talk.test', 'train', 'forum', 'Bench Talk', null, []],
  ['stove-top.test', 'train', 'recipes', 'Stove Top', null, []],
  ['ferry-times.test', 'test', 'news', 'Ferry Times', 'tcf', ['tcf_not_enforced']],
  ['orchard-shop.test', 'test', 'shop', 'Orchard Shop', 'vanilla-cookieconsent', ['tcf_not_enforced', 'fires_before_choice']],
  ['hedge-forum.test', 'test', 'forum', 'The Hedge', null, []],
  ['ladle.test', 'test', 'recipes', 'Ladle', null, []],
].map((row) => [...row, { position: true, email: true, scenarios: row[4] ? SHORT : ['no_action'] }]);

/** Where everybody says yes: what a given consent allows. */
const AGREED = [
  ['brick-lane-books.test', 'train', 'shop', 'Brick Lane Books', 'cookieconsent'],
  ['plain-sailing.test', 'train', 'travel', 'Plain Sailing', 'vanilla-cookieconsent'],
  ['slow-oven.test', 'train', 'recipes', 'Slow Oven', 'tarteaucitronjs'],
  ['town-crier.test', 'train', 'news', 'The Town Crier', 'vanilla-cookieconsent'],
  ['paper-lantern.test', 'test', 'shop', 'Paper Lantern', 'klaro'],
  ['branch-line.test', 'test', 'travel', 'Branch Line', 'cookieconsent'],
  ['pepper-mill.test', 'test', 'recipes', 'Pepper Mill', 'klaro'],
  ['harvest-herald.test', 'test', 'news', 'Harvest Herald', 'vanilla-cookieconsent'],
].map((row) => [...row, [], { position: true, email: true, scenarios: ['accept'] }]);

/** More pages for the families that nobody trains on, with three quarters of them each: over 20,000 verdicts on them alone. */
const UNSEEN = [
  ['copper-gazette.test', 'news', 'Copper Gazette', 'tcf', ['tcf_not_enforced']],
  ['fig-and-thyme.test', 'recipes', 'Fig & Thyme', 'gpp', ['tcf_not_enforced', 'legitimate_interest']],
  ['button-box.test', 'shop', 'The Button Box', 'klaro', ['tcf_not_enforced', 'fires_before_choice']],
  ['slow-train.test', 'travel', 'Slow Train', 'cookieconsent', ['tcf_not_enforced', 'fires_before_choice']],
  ['compost-corner.test', 'forum', 'Compost Corner', 'vanilla-cookieconsent', ['tcf_not_enforced', 'fires_before_choice']],
  ['late-edition.test', 'news', 'Late Edition', 'tarteaucitronjs', ['tcf_not_enforced', 'fires_before_choice']],
  ['first-light.test', 'news', 'First Light', 'klaro', ['tcf_not_enforced', 'fires_before_choice']],
  ['hill-and-vale.test', 'travel', 'Hill & Vale', 'cookieconsent', ['tcf_not_enforced', 'fires_before_choice']],
  ['thimble-shop.test', 'shop', 'Thimble', 'vanilla-cookieconsent'],
  ['bread-board.test', 'recipes', 'Bread Board', 'tarteaucitronjs'],
  ['pond-life.test', 'forum', 'Pond Life', 'klaro'],
  ['parish-echo.test', 'news', 'Parish Echo', 'cookieconsent'],
  ['tent-pole.test', 'travel', 'Tent Pole', 'vanilla-cookieconsent'],
  ['wicker-and-wool.test', 'shop', 'Wicker & Wool', 'tarteaucitronjs'],
  ['stockpot.test', 'recipes', 'Stockpot', 'klaro'],
  ['bird-table.test', 'forum', 'The Bird Table', 'cookieconsent'],
  ['noon-report.test', 'news', 'Noon Report', 'vanilla-cookieconsent'],
  ['cliff-path.test', 'travel', 'Cliff Path', 'tarteaucitronjs'],
  ['tea-chest.test', 'shop', 'Tea Chest', 'klaro'],
  ['jam-jar.test', 'recipes', 'Jam Jar', 'cookieconsent'],
  ['chess-corner.test', 'forum', 'Chess Corner', null],
  ['coast-bulletin.test', 'news', 'Coast Bulletin', null],
  ['rolling-pin.test', 'recipes', 'Rolling Pin', null],
  ['map-room.test', 'travel', 'The Map Room', null],
].map(([site, theme, title, cmp, faults = []]) => [site, 'test', theme, title, cmp, faults, {
  position: true, email: true, share: 3 / 4, repeats: 2,
  scenarios: faults.length ? ALL_SCENARIOS : [cmp ? 'accept' : 'no_action'],
}]);

const SDKS = [
  ['oak-and-linen.test', 'train', 'shop', 'Oak & Linen', 'vanilla-cookieconsent', ['fires_before_choice', 'hashed_email']],
  ['ferryhop.test', 'train', 'travel', 'Ferryhop', 'vanilla-cookieconsent', []],
  ['brightlamp.test', 'train', 'shop', 'Brightlamp', 'cookieconsent', ['ignores_reject', 'cname_cloak']],
  ['roamwell.test', 'train', 'travel', 'Roamwell', 'tarteaucitronjs', ['partial_ignored', 'kept_after_withdrawal']],
  ['simmer-school.test', 'train', 'recipes', 'Simmer School', 'tcf', ['legitimate_interest', 'storage_respawn', 'consent_mode_default_granted']],
  ['kitespool.test', 'train', 'shop', 'Kitespool', 'tcf', ['reject_that_accepts', 'first_party_proxy']],
  ['woolpeak.test', 'test', 'shop', 'Woolpeak', 'tcf', []],
  ['island-rail.test', 'test', 'travel', 'Island Rail', 'gpp', ['ignores_reject', 'hashed_email', 'legitimate_interest']],
  ['tinplate.test', 'test', 'shop', 'Tinplate', 'klaro', ['reject_that_accepts', 'first_party_proxy']],
  ['nightferry.test', 'test', 'travel', 'Nightferry', 'cookieconsent', ['consent_mode_default_granted', 'storage_respawn']],
  ['crumb-kitchen.test', 'test', 'recipes', 'Crumb Kitchen', 'vanilla-cookieconsent', ['partial_ignored', 'kept_after_withdrawal']],
  ['paperbark.test', 'test', 'shop', 'Paperbark', 'tarteaucitronjs', ['fires_before_choice', 'cname_cloak']],
];

const CLEAN = [
  ['meadow-bank.test', 'train', 'bank', 'Meadow Bank', null],
  ['millbrook-library.test', 'train', 'library', 'Millbrook Library', 'vanilla-cookieconsent'],
  ['knot-forum.test', 'train', 'forum', 'The Knot Forum', 'cookieconsent'],
  ['lantern-basket.test', 'train', 'shop', 'Lantern & Basket', 'tarteaucitronjs'],
  ['riverside-savings.test', 'test', 'bank', 'Riverside Savings', null],
  ['eastgate-library.test', 'test', 'library', 'Eastgate Library', 'cookieconsent'],
  ['sundial-forum.test', 'test', 'forum', 'Sundial', 'vanilla-cookieconsent'],
  ['clay-and-co.test', 'test', 'shop', 'Clay & Co', 'klaro'],
];

const categoryOf = ({ purpose }) => ({ advertising: 'advertising', security: 'necessary' })[purpose] ?? 'analytics';

/** The members of a list that are on the site at `place`, so that each is on `copies` of the sites, in varying company. */
function dealt(list, place, sites, copies) {
  const seats = (step) => new Set(Array.from({ length: copies }, (_, copy) => (copy * step) % sites));
  const steps = Array.from({ length: sites - 1 }, (_, i) => i + 1).filter((step) => seats(step).size === copies);
  return list.filter((_, index) => {
    const step = steps[Math.floor(index / sites) % steps.length];
    return [...seats(step)].some((seat) => (index + seat) % sites === place);
  });
}

/** Everything of a site that does not depend on its kind. */
function frame([site, group, theme, title, cmp], kind, faults = []) {
  const unknown = faults.filter((name) => !FAULTS.includes(name));
  if (unknown.length) throw new Error(`${site} names faults that do not exist: ${unknown.join(', ')}`);
  return {
    site, group, kind, theme, title, cmp, faults, region: 'EU', second: '/account',
    scenarios: cmp ? ALL_SCENARIOS : WITHOUT_MANAGER, repeats: REPEATS[kind],
    managerFaults: faults.filter(isManagerFault),
    tags: [], cnames: {}, relays: [],
  };
}

/** The components of a site as rows name them; the consent manager and the security check are components too. */
function componentsOf({ cmp, security, tags, bidders = [], userIds = [] }) {
  return [
    ...tags.filter(({ component }) => component !== 'prebid.js').map(({ component, family, purpose }) => ({ component, family, purpose })),
    ...[...bidders, ...userIds].map(({ component, family }) => ({ component, family, purpose: 'advertising' })),
    ...(cmp ? [{ component: cmpNamed(cmp).about.package, family: `cmp/${cmp}`, purpose: 'consent_management' }] : []),
    ...(security ? [{ component: security.component, family: security.component, purpose: 'security' }] : []),
  ];
}

function finish(site) {
  const told = Object.fromEntries(site.tags.map(({ component, told: names }) => [component, names]));
  const scripts = Object.fromEntries([
    ...site.tags.map(({ component, script }) => [script, component]),
    ...(site.cmp ? cmpAddresses(site.cmp, site.site).scripts.map((address) => [address, cmpNamed(site.cmp).about.package]) : []),
    ...(site.security ? [[site.security.script, site.security.component]] : []),
  ]);
  return { ...site, components: componentsOf(site), told, scripts };
}

/** The bidders on the vendor list that the dialog does not tell about. */
function undisclosedOf(bidders, faults) {
  const ids = Object.keys(vendorsOf(bidders)).map(Number);
  const told = new Set(managerWith(faults).disclosed(ids));
  return bidders.filter(({ gvlid }) => ids.includes(gvlid) && !told.has(gvlid)).map(({ component }) => component);
}

function adsSite(row, place, rows, adapters) {
  const [site, group, , , , faults, { position = false, email = false, share = 1 / 2, scenarios, repeats } = {}] = row;
  const own = adapters.filter(({ aliasOf, family }) => !aliasOf && groupOf(family) === group); // an alias runs its parent's code
  const bidders = dealt(own, place, rows.length, rows.length * share);
  const enforce = !faults.includes('tcf_not_enforced');
  const told = ['visitorId', 'sharedId', ...(position ? ['position'] : []), ...(email ? ['email'] : [])];
  const userIds = Object.entries(USER_IDS).filter(([, { family }]) => email && groupOf(family) === group);
  return finish({
    ...frame(row, 'ads', faults),
    ...(scenarios && { scenarios }),
    ...(repeats && { repeats }),
    bidders,
    undisclosed: faults.includes('vendor_not_disclosed') ? undisclosedOf(bidders, faults) : [],
    userIds: userIds.map(([module, { component, family }]) => ({ module, component, family })),
    tags: [{
      component: 'prebid.js', family: 'prebid.js', purpose: 'advertising', category: 'advertising', script: `https://${site}/assets/prebid.js`,
      faults: faults.filter(isGateFault), told, enforce, waits: enforce, renews: email,
    }],
  });
}

/** Moves an SDK behind a path or a name of the site; script and recipients follow. */
function moved(tag, about, site, fault) {
  const label = about.family.replace(/\W/g, '').slice(0, 6);
  const front = fault === 'cname_cloak' ? `metrics.${site}` : `${site}/${label}-data`;
  return { ...tag, script: `https://${front}/${label}.js`, front, behind: about.hosts };
}

function sdksSite(row, place, rows, sdks) {
  const [site, group, , , , faults] = row;
  const own = sdks.filter(({ family }) => groupOf(family) === group);
  const abouts = dealt(own, place, rows.length, Math.max(2, Math.round((7 * rows.length) / own.length)));
  const gates = faults.filter(isGateFault);
  const moving = gates.find((name) => name === 'cname_cloak' || name === 'first_party_proxy');
  const cloaked = moving && (abouts.find(({ component }) => MOVABLE.has(component)) ?? own.find(({ component }) => MOVABLE.has(component)));
  if (cloaked && !abouts.includes(cloaked)) abouts.push(cloaked);
  const others = gates.filter((name) => name !== moving);
  const tags = abouts.map((about, index) => {
    const { component, family, purpose, script, hosts } = about;
    const wrong = about === cloaked ? [moving] : others.filter((_, at) => (index + at) % 3 !== 2);
    const tag = {
      component, family, purpose, category: categoryOf(about), script, faults: wrong,
      told: TOLD[(index + place) % TOLD.length], pixel: `https://${hosts[0]}`,
    };
    return about === cloaked ? moved(tag, about, site, moving) : tag;
  });
  const [hidden] = tags.filter(({ front }) => front);
  return finish({
    ...frame(row, 'sdks', faults),
    tags,
    cnames: moving === 'cname_cloak' ? { [hidden.front]: [hidden.behind[0]] } : {},
    relays: moving === 'first_party_proxy' ? [{ path: hidden.front.slice(site.length), component: hidden.component, recipient: hidden.behind[0] }] : [],
  });
}

function cleanSite(row) {
  const [, group] = row;
  const { host, form } = SECURITY[group];
  return finish({
    ...frame(row, 'clean'),
    record: true,
    security: { component: `security/${host.split('.')[1]}`, host, form, script: `https://${host}/check.js` },
  });
}

const within = (rows, make, list) => rows.map((row) => {
  const peers = rows.filter(([, group]) => group === row[1]);
  return make(row, peers.indexOf(row), peers, list);
});

let listed;

/**
 * The sites: {site, group: train|test, kind: ads|sdks|clean, theme, title, cmp (null: none), faults, scenarios, region, second,
 * components: [{component, family, purpose}], tags, told: {component: [names]}, scripts: {address: component},
 * cnames: {host: [targets]}, relays: [{path, component, recipient}], bidders?: adapters, undisclosed?: [components], userIds?, security?, record?}.
 */
export function listSites() {
  listed ??= [
    ...[ADS, CALM, MORE, AGREED, UNSEEN].flatMap((rows) => within(rows, adsSite, listAdapters())),
    ...within(SDKS, sdksSite, listSdks()),
    ...within(CLEAN, cleanSite),
  ];
  return listed;
}

export function siteNamed(name) {
  const found = listSites().find(({ site }) => site === name);
  if (!found) throw new Error(`no site is called ${name}. There are: ${listSites().map(({ site }) => site).join(', ')}.`);
  return found;
}
