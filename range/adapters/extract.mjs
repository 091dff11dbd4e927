/** Sample ad units out of prebid.js: the documentation page of each bid adapter, its registered codes and vendor ids. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { createContext, runInContext } from 'node:vm';
import { BLANK, enclosingBrace, readLiteral } from './literal.mjs';
import { replacePersonal } from './personal.mjs';

export const PREBID = new URL('../node_modules/prebid.js/', import.meta.url);
const VIDEO = {
  context: 'instream', playerSize: [[640, 480]], mimes: ['video/mp4'], protocols: [2, 3, 5, 6], api: [2], minduration: 5, maxduration: 30,
  linearity: 1, playbackmethod: [2], plcmt: 1, placement: 1, skip: 0, startdelay: 0, w: 640, h: 480,
};
const NATIVE = {
  ortb: {
    ver: '1.2',
    assets: [
      { id: 1, required: 1, title: { len: 80 } },
      { id: 2, required: 1, img: { type: 3, w: 300, h: 250 } },
      { id: 3, required: 0, data: { type: 1, len: 40 } },
    ],
  },
};

const OWNED_BY_THE_PAGE = [
  'app', 'userSync', 'consentManagement', 'ortb2', 'debug', 'bidderTimeout', 'currency', 'coppa', 'pageUrl', 'cache', 's2sConfig', 'gdpr',
];

const read = (path) => readFileSync(new URL(path, PREBID), 'utf8');
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The names of all modules with a bid adapter of their own, the server-side one left out: it calls no bidder itself. */
export function adapterModules() {
  return readdirSync(new URL('dist/src/public/', PREBID))
    .filter((file) => /BidAdapter\.js$/.test(file) && file !== 'prebidServerBidAdapter.js')
    .map((file) => file.slice(0, -3))
    .sort();
}

/** The source of a module as it is bundled. */
export function moduleSource(module) {
  const path = `dist/src/modules/${module}.js`;
  return read(existsSync(new URL(path, PREBID)) ? path : `dist/src/modules/${module}/index.js`);
}

/** Every bidder code that a module registers: [{bidder, aliasOf, gvlid}], the module's own code first. */
export function registeredBidders(module) {
  const path = `metadata/modules/${module}.json`;
  if (!existsSync(new URL(path, PREBID))) return [];
  const source = moduleSource(module);
  const constant = source.match(/\bgvlid:\s*([A-Z_]+)\b/)?.[1];
  const literal = source.match(/\bgvlid:\s*(\d+)/) ?? source.match(new RegExp(`\\b${constant ?? 'GVL_?ID'}\\s*=\\s*(\\d+)`));
  const own = literal ? Number(literal[1]) : null;
  return JSON.parse(read(path)).components
    .filter(({ componentType }) => componentType === 'bidder')
    .map(({ componentName, aliasOf, gvlid }) => ({ bidder: componentName, aliasOf, gvlid: gvlid ?? (aliasOf ? null : own) }))
    .sort((one, other) => Number(one.aliasOf !== null) - Number(other.aliasOf !== null));
}

/** Walks a value for ad units; calls found(bid, unit). */
function walk(value, found, unit = null, depth = 0) {
  if (typeof value !== 'object' || value === null || depth > 9) return;
  if (typeof value.bidder === 'string' && isObject(value.params)) found(value, unit);
  const inner = Array.isArray(value.bids) || isObject(value.bids) || value.mediaTypes ? value : unit;
  for (const key of Object.keys(value)) walk(value[key], found, inner, depth + 1);
}

/** Runs one code block of a page with the publisher's API recorded; returns what it called and left behind.
 * The page comes with the code that the range runs anyway, so it is trusted as much: vm is no wall, only a stage. */
function runBlock(code) {
  const kept = [];
  const pbjs = new Proxy({ que: { push: (todo) => typeof todo === 'function' && todo() } }, {
    get: (target, name) => target[name] ?? ((...args) => { kept.push(...args); }),
    set: () => true,
  });
  const element = { appendChild() {}, setAttribute() {}, style: {}, getBoundingClientRect: () => ({ width: 300, height: 250 }) };
  const context = createContext({
    pbjs, location: { href: 'https://publisher.test/', hostname: 'publisher.test' }, navigator: { language: 'en' }, console: { log() {} },
    document: { createElement: () => element, getElementById: () => element, getElementsByTagName: () => [element] },
    googletag: { cmd: [] }, setTimeout() {},
  });
  context.window = context;
  const plain = code.replace(/\b(?:const|let)\b/g, 'var');
  for (const attempt of [plain, `kept = ${plain}`, `kept = [${plain}]`, `kept = {${plain}}`]) {
    try {
      runInContext(attempt, context, { timeout: 200 });
      break;
    } catch {
      // not in this form; the reader of broken literals has the last word
    }
  }
  const { pbjs: _, document, window, navigator, console, location, ...left } = context;
  return [...kept, left];
}

/** Reads the bids of a text that does not run: each object with a `bidder` key, and the media types last named before it. */
function readBroken(text, found) {
  for (const match of text.matchAll(/["']?\bbidder["']?\s*:/g)) {
    const begin = enclosingBrace(text, match.index);
    const bid = begin < 0 ? null : readLiteral(text, begin);
    if (!isObject(bid) || typeof bid.bidder !== 'string' || !isObject(bid.params)) continue;
    const media = text.lastIndexOf('mediaTypes', begin);
    const mediaTypes = media < 0 ? undefined : readLiteral(text, text.indexOf(':', media) + 1);
    found(bid, { mediaTypes: isObject(mediaTypes) ? mediaTypes : undefined });
  }
}

function scriptsIn(code) {
  const scripts = [...code.matchAll(/<script\b[^>]*>([\s\S]*?)<\/script>/gi)].map(([, script]) => script);
  return scripts.length ? scripts.join('\n') : code;
}

const blocksOf = (text) => [...text.matchAll(/(?:```|~~~)[ \t]*[\w-]*[^\n]*\n([\s\S]*?)(?:```|~~~|$)/g)].map(([, code]) => scriptsIn(code));

/** The publisher's settings that an adapter reads under a name of its own, as its page shows them, such as setConfig({aps: {...}}). */
export function settingsIn(text, source) {
  const read = new Set([...source.matchAll(/\b(?:getConfig|readConfig)\(['"`](\w+)(?:\.[\w.]+)?['"`]/g)].map(([, name]) => name));
  for (const name of OWNED_BY_THE_PAGE) read.delete(name);
  const settings = {};
  const take = (value) => {
    for (const name of read) if (isObject(value?.[name]) && !settings[name]) settings[name] = JSON.parse(JSON.stringify(value[name]));
  };
  for (const code of blocksOf(text)) {
    if (![...read].some((name) => code.includes(name))) continue;
    runBlock(code).forEach(take);
    for (const match of code.matchAll(/setConfig\(\s*(?=\{)/g)) take(readLiteral(code, match.index + match[0].length));
  }
  return replacePersonal(filled(settings));
}

/** All samples of a text, in the order of the page: [{bidder, params, mediaTypes, ortb2Imp}]. */
export function samplesIn(text) {
  const samples = [];
  const found = (bid, unit) => {
    try {
      samples.push(JSON.parse(JSON.stringify({
        bidder: bid.bidder, params: bid.params, mediaTypes: unit?.mediaTypes ?? bid.mediaTypes ?? {}, ortb2Imp: bid.ortb2Imp ?? unit?.ortb2Imp,
      })));
    } catch {
      // a value that refers to itself cannot be an ad unit
    }
  };
  for (const code of blocksOf(text)) {
    if (!/\bparams\b/.test(code)) continue;
    const before = samples.length;
    for (const value of runBlock(code)) walk(value, found);
    if (samples.length === before) readBroken(code, found);
  }
  if (!samples.length) readBroken(text, found);
  return samples;
}

/** The media types that an adapter says it takes; banner where it says nothing, as prebid.js has it. */
export function supportedMedia(source) {
  const list = source.match(/supportedMediaTypes['"]?\s*[:=]\s*(\[[^\]]*\]|[A-Z_]+)/)?.[1] ?? '';
  const named = list.startsWith('[') || !list ? list : source.match(new RegExp(`\\b${list}\\s*=\\s*(\\[[^\\]]*\\])`))?.[1] ?? '';
  const media = ['banner', 'video', 'native'].filter((type) => new RegExp(`\\b${type}\\b`, 'i').test(named));
  return media.length ? media : ['banner'];
}

function mediaTypes(kind, sample) {
  const own = isObject(sample.mediaTypes?.[kind]) ? sample.mediaTypes[kind] : {};
  if (kind === 'video') return { video: { ...VIDEO, ...own } };
  if (kind === 'native') return { native: own.ortb ? own : NATIVE };
  const sizes = (Array.isArray(own.sizes?.[0]) ? own.sizes : [own.sizes])
    .filter((size) => Array.isArray(size) && size.length === 2 && size.every((side) => Number.isInteger(side) && side > 0));
  return { banner: { ...own, sizes: sizes.length ? sizes : [[300, 250]] } };
}

/** A value of a sample with its blanks filled: pages leave ids out, as '', 0, '<your id>' or '#{id}'. */
function filled(value, key = '') {
  if (Array.isArray(value)) return value.map((item) => filled(item, key));
  if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, filled(item, name)]));
  if (!isBlank(value, key)) return value;
  return typeof value === 'string' ? BLANK : Number(BLANK);
}

function isBlank(value, key) {
  if (typeof value === 'string') return /^(?:|<[^>]*>|#?\{.*\}|\[[A-Z_ ]*\])$/.test(value);
  return value === 0 && /id$|key$/i.test(key);
}

const isEmpty = (value) => Array.isArray(value) && !value.length;
const blanks = (params) => Object.entries(params).filter(([key, value]) => isBlank(value, key) || isEmpty(value)).length;

/** The parameters that an adapter's own check of a bid asks for by name. */
function requiredParams(source) {
  const at = source.search(/\bisBidRequestValid\s*(?:\(|:|=)/);
  const body = at < 0 ? '' : source.slice(at, at + 1500).split(/\bbuildRequests\b/)[0];
  const named = [...body.matchAll(/\bparams(?:\?)?\.(\w+)/g)].map(([, name]) => name);
  const unpacked = [...body.matchAll(/\{([\w\s,]+)\}\s*=\s*(?:bid|bidRequest)\.params\b/g)].flatMap(([, names]) => names.match(/\w+/g));
  return new Set([...named, ...unpacked]);
}

/** The samples, each followed by itself with what its adapter asks for and it lacks: the value most often given by the other samples. */
export function completed(samples, others, source) {
  const required = requiredParams(source);
  return samples.flatMap((sample) => {
    const params = { ...sample.params };
    for (const name of required) {
      if (params[name] !== undefined) continue;
      const given = [...samples, ...others()].map((other) => other.params[name]).filter((value) => value !== undefined && value !== null);
      const times = new Map();
      for (const value of given) times.set(JSON.stringify(value), (times.get(JSON.stringify(value)) ?? 0) + 1);
      const [usual] = [...times].sort((one, other) => other[1] - one[1])[0] ?? [];
      if (usual !== undefined) params[name] = JSON.parse(usual);
    }
    return Object.keys(params).length > Object.keys(sample.params).length ? [sample, { ...sample, params }] : [sample];
  });
}

/** One or two units of a bidder: with the first media kind that its adapter takes, the fewest blanks, and unlike sets of parameters. */
export function normalise(samples, supported) {
  const kindOf = (sample) => supported.find((kind) => sample.mediaTypes?.[kind]);
  const ranked = samples
    .map((sample) => ({ sample, kind: kindOf(sample) ?? supported[0] }))
    .sort((one, other) => supported.indexOf(one.kind) - supported.indexOf(other.kind)
      || blanks(one.sample.params) - blanks(other.sample.params));
  const units = [];
  const shapes = new Set();
  for (const { sample, kind } of ranked) {
    const shape = Object.keys(sample.params).sort().join(',');
    if (units.length === 2 || shapes.has(shape)) continue;
    shapes.add(shape);
    const { params, ortb2Imp } = replacePersonal(filled({ params: sample.params, ortb2Imp: sample.ortb2Imp }));
    units.push({ mediaTypes: mediaTypes(kind, sample), params, ...(ortb2Imp ? { ortb2Imp } : {}) });
  }
  return units;
}

/** The documentation of an adapter, or an empty text where it has none. */
export function pageOf(module) {
  const path = [`modules/${module}.md`, `modules/${module}/index.md`].find((name) => existsSync(new URL(name, PREBID)));
  return path ? read(path) : '';
}

/** The adapter's own unit tests, which show parameters where no page does; an empty text where there are none. */
export function specOf(module) {
  const path = `test/spec/modules/${module}_spec.js`;
  return existsSync(new URL(path, PREBID)) ? read(path) : '';
}
