/** Families of bid adapters: those that build their requests with the same code are one family.
 *
 * Two adapters are joined where both import the same library of prebid.js that builds requests, where one imports the
 * other, or where their sources are near-identical: at least SIMILAR of their token runs are shared.
 */
import { createHash } from 'node:crypto';
import { adapterModules, moduleSource } from './extract.mjs';

/** Libraries that serve any adapter and build no request of one vendor's; every other one makes a family of those that import it. */
const GENERAL = new Set(`appnexusUtils/anKeywords autoplayDetection boundingClientRect chunk cmp connectionInfo consentManagement cookieSync cryptoUtils
  currencyUtils dealUtils devicePixelRatio dnt domainOverrideToRootDomain fetchPonyfill fpdUtils gamUtils getOrigin gptUtils greedy
  htmlEscape impUtils interpretResponseUtils keywords magniteUtils metadata mspa nativeAssetsUtils navigatorData objectGuard
  ortb2.5StrictTranslator ortb2.5Translator ortb2Utils ortbConverter pageInfosUtils pbsExtensions percentInView placementPositionInfo
  processResponse purposeDeclarations schainSerializer sizeUtils storageDisclosure timeToFirstBytesUtils timeoutQueue timezone
  transformParamsUtils urlUtils userAgentUtils userSyncUtils vastTrackers video viewport weakStore webdriver xmlUtils`.split(/\s+/));
const RUN = 6;
const HASHES = 96;
const SIMILAR = 0.3;
const CANDIDATE = 0.15; // of the MinHash estimate, whose standard error is about 0.05
const WRAPPER = 150; // runs: below this a module only names its address and says little of its own

/** The vendor's libraries of prebid.js that a source imports, and the other adapters that it imports. */
function shared(source) {
  const libraries = [...source.matchAll(/from '(?:\.\.\/)+libraries\/([^']+?)(?:\.js)?'/g)].map(([, path]) => path)
    .filter((path) => !GENERAL.has(path) && !GENERAL.has(path.split('/')[0]))
    .map((path) => path.split('/')[0]);
  const adapters = [...source.matchAll(/from '\.\/(\w+BidAdapter)(?:\/index)?\.js'/g)].map(([, name]) => name);
  return { libraries, adapters };
}

/** The hashes of all runs of RUN tokens; texts, numbers, comments and imports are left out of account. */
function tokenRuns(source) {
  const bare = source.replace(/^import .*$/gm, '').replace(/\/\*[\s\S]*?\*\/|(?<![:"'])\/\/.*$/gm, '');
  const tokens = bare.match(/'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|\d[\w.]*|[\w$]+|[^\s\w]/g) ?? [];
  const plain = tokens.map((token) => (/^['"`]/.test(token) ? 'S' : /^\d/.test(token) ? '0' : token));
  const runs = new Set();
  for (let i = 0; i + RUN <= plain.length; i += 1) {
    let hash = 2166136261;
    for (const char of plain.slice(i, i + RUN).join(' ')) hash = Math.imul(hash ^ char.charCodeAt(0), 16777619);
    runs.add(hash >>> 0);
  }
  return runs;
}

/** MinHash signature (Broder 1997) of a set of 32-bit hashes. */
function signature(runs) {
  const least = new Uint32Array(HASHES).fill(0xffffffff);
  for (const run of runs) {
    for (let i = 0; i < HASHES; i += 1) {
      let mixed = Math.imul(run ^ Math.imul(i + 1, 0x9e3779b1), 0x85ebca6b);
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0xc2b2ae35);
      mixed = (mixed ^ (mixed >>> 13)) >>> 0;
      if (mixed < least[i]) least[i] = mixed;
    }
  }
  return least;
}

const estimate = (one, other) => one.reduce((sum, value, i) => sum + (value === other[i]), 0) / HASHES;

function jaccard(one, other) {
  let common = 0;
  for (const run of one) common += other.has(run);
  return common / (one.size + other.size - common || 1);
}

class Union {
  constructor() { this.parent = new Map(); }

  root(name) {
    let at = name;
    while (this.parent.has(at)) at = this.parent.get(at);
    return at;
  }

  join(one, other) {
    const [a, b] = [this.root(one), this.root(other)].sort();
    if (a !== b) this.parent.set(b, a);
  }
}

/** The families of some modules: a Map from module to {family, why}, where why lists what joined the family. */
export function familiesOf(modules, sourceOf) {
  const union = new Union();
  const sources = modules.map((module) => ({ module, source: sourceOf(module) }));
  const links = [];
  const join = (one, other, why) => { union.join(one, other); links.push([one, why]); };
  for (const { module, source } of sources) {
    const { libraries, adapters } = shared(source);
    for (const library of libraries) join(module, `library ${library}`, `libraries/${library}`);
    for (const adapter of adapters) join(module, adapter, `imports ${adapter}`);
  }
  const texts = sources.map(({ module, source }) => {
    const runs = tokenRuns(source);
    return { module, runs, least: signature(runs) };
  });
  for (let i = 0; i < texts.length; i += 1) {
    for (let j = 0; j < i; j += 1) {
      if (Math.min(texts[i].runs.size, texts[j].runs.size) < WRAPPER) continue;
      if (estimate(texts[i].least, texts[j].least) < CANDIDATE) continue;
      const likeness = jaccard(texts[i].runs, texts[j].runs);
      if (likeness >= SIMILAR) join(texts[i].module, texts[j].module, `${texts[j].module} alike ${likeness.toFixed(2)}`);
    }
  }
  const members = grouped(modules, (module) => union.root(module));
  const reasons = grouped(links, ([module]) => union.root(module));
  const result = new Map();
  for (const [root, names] of members) {
    const uses = grouped((reasons.get(root) ?? []).map(([, reason]) => reason), (reason) => reason);
    const why = [...uses.keys()].sort();
    const libraries = why.filter((reason) => reason.startsWith('libraries/')).sort((a, b) => uses.get(b).length - uses.get(a).length);
    const name = libraries.length && names.length > 1 ? libraries[0].slice(10) : names[0].replace(/BidAdapter$/, '');
    const family = `prebid.js/${name}`;
    for (const member of names) result.set(member, { family, why });
  }
  return result;
}

function grouped(items, keyOf) {
  const groups = new Map();
  for (const item of items) {
    const key = keyOf(item);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(item);
  }
  return groups;
}

/** The families of all adapters of the installed prebid.js. The digest says which sources they were read from. */
export function adapterFamilies() {
  const modules = adapterModules();
  const digest = createHash('sha256');
  const sourceOf = (module) => {
    const source = moduleSource(module);
    digest.update(`${module}\n${source}\n`);
    return source;
  };
  const families = familiesOf(modules, sourceOf);
  return { families, digest: digest.digest('hex') };
}
