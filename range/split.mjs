/** Draws which code families are for training and which for test only: node split.mjs [--seed 20] [--check] */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { USER_IDS, listAdapters } from './adapters/index.mjs';
import { listCmps } from './cmps/index.mjs';
import { listSdks } from './sdks/index.mjs';

const FILE = new URL('split.json', import.meta.url);
const TEST_SHARE = 0.4;
const LEAST_TEST_FAMILIES = { sdk: 12 };
const KINDS = ['sdk', 'adapter', 'user_id'];
/** Code that every page has or may have beside its components; it belongs to no part and is never scored as a component. */
const SHARED = ['site', 'prebid.js'];
const NOTE = 'Drawn by split.mjs; do not edit. Nothing of a test family is used to train or to write a rule, and no page has families of both parts.';

/** Names in an order that depends on the seed and the name only. */
function shuffled(names, seed) {
  const rank = (name) => createHash('sha256').update(`${seed}|${name}`).digest('hex');
  return [...names].sort((one, other) => (rank(one) < rank(other) ? -1 : 1));
}

/** Components with their family and kind. Aliases run the code of their parent and are of its family. */
function components() {
  return [
    ...listSdks().map(({ component, family }) => ({ component, family, kind: 'sdk' })),
    ...listAdapters().map(({ component, family, aliasOf }) => ({ component, family, kind: 'adapter', alias: Boolean(aliasOf) })),
    ...Object.values(USER_IDS).map(({ component, family }) => ({ component, family, kind: 'user_id' })),
  ];
}

function sizes(listed) {
  const count = new Map();
  for (const { family, alias } of listed) count.set(family, (count.get(family) ?? 0) + (alias ? 0 : 1));
  return count;
}

/** The test-only families of one kind: of families with several members so many that their components are the share, of single ones the share. */
function drawKind(listed, kind, seed) {
  const size = sizes(listed);
  const test = new Set();
  const wanted = (names) => TEST_SHARE * names.reduce((sum, name) => sum + size.get(name), 0);
  for (const several of [true, false]) {
    const names = shuffled([...size.keys()].filter((name) => size.get(name) > 1 === several), seed);
    let room = wanted(names);
    for (const name of names) {
      if (size.get(name) > room + 0.5) continue;
      test.add(name);
      room -= size.get(name);
    }
  }
  for (const name of shuffled(size.keys(), seed)) {
    if (test.size >= Math.min(LEAST_TEST_FAMILIES[kind] ?? 0, size.size)) break;
    test.add(name);
  }
  return test;
}

function draw(seed) {
  const listed = components();
  const kinds = new Map(listed.map(({ family, kind }) => [family, kind]));
  const mixed = listed.find(({ family, kind }) => kinds.get(family) !== kind);
  if (mixed) throw new Error(`the family ${mixed.family} is of two kinds, ${mixed.kind} and ${kinds.get(mixed.family)}: rename one`);
  const test = new Set(KINDS.flatMap((kind) => [...drawKind(listed.filter((one) => one.kind === kind), kind, `${seed}|${kind}`)]));
  const partOf = (family) => (test.has(family) ? 'test' : 'train');
  const byName = ([one], [other]) => (one < other ? -1 : 1);
  const cmps = shuffled(listCmps().map(({ cmp }) => cmp), `${seed}|cmp`);
  const testCmps = Math.round(TEST_SHARE * cmps.length);
  return {
    note: NOTE, seed, shared: SHARED,
    families: Object.fromEntries([...kinds.keys()].map((family) => [family, partOf(family)]).sort(byName)),
    components: Object.fromEntries(listed.map(({ component, family, kind }) => [component, { family, kind, part: partOf(family) }]).sort(byName)),
    cmps: Object.fromEntries(cmps.map((cmp, i) => [cmp, { part: i < testCmps ? 'test' : 'train' }]).sort(byName)),
  };
}

/** The catalogue reads the split itself to deal the components out, so its sites are asked for when the families are written. */
async function withSites(split) {
  const { listSites } = await import('./sites/catalogue.mjs');
  const sites = listSites().map(({ site, group, kind }) => [site, { part: group, kind }]);
  return { ...split, sites: Object.fromEntries(sites.sort(([one], [other]) => (one < other ? -1 : 1))) };
}

/** One line for each name, so that a difference reads well. */
function keep(split) {
  const text = JSON.stringify(split, null, 1).replace(/\{\n {3}[^{}]*\}/g, (inner) => inner.replace(/\n\s*/g, ' '));
  writeFileSync(FILE, `${text}\n`);
}

function summary({ families, components: all, cmps, sites }) {
  const rows = KINDS.map((kind) => {
    const members = Object.values(all).filter((one) => one.kind === kind);
    const names = new Set(members.map(({ family }) => family));
    const test = [...names].filter((name) => families[name] === 'test').length;
    const tested = members.filter(({ part }) => part === 'test').length;
    return `${kind}: ${test} of ${names.size} families and ${tested} of ${members.length} components (aliases counted) test only`;
  });
  const part = (group) => `${Object.values(group).filter((one) => one.part === 'test').length} of ${Object.keys(group).length}`;
  return [...rows, `consent managers: ${part(cmps)} test only; sites: ${part(sites)} test only`].join('\n');
}

/** What differs between the committed split and one drawn now with its seed: a list of sentences. */
function differences(kept, drawn) {
  return ['families', 'components', 'cmps', 'sites'].flatMap((group) => {
    const names = new Set([...Object.keys(kept[group] ?? {}), ...Object.keys(drawn[group])]);
    return [...names].sort().flatMap((name) => {
      const [old, now] = [kept[group]?.[name], drawn[group][name]];
      if (old === undefined) return [`${group}: ${name} is installed and not in the file`];
      if (now === undefined) return [`${group}: ${name} is in the file and not installed`];
      const [before, after] = [JSON.stringify(old), JSON.stringify(now)];
      return before === after ? [] : [`${group}: ${name} is ${before} in the file and ${after} now`];
    });
  });
}

async function main() {
  const { values } = parseArgs({ options: { seed: { type: 'string', default: '20' }, check: { type: 'boolean' } } });
  if (!values.check) {
    const drawn = draw(Number(values.seed));
    keep(drawn);
    const whole = await withSites(drawn);
    keep(whole);
    console.log(summary(whole));
    return;
  }
  const kept = JSON.parse(readFileSync(FILE, 'utf8'));
  const found = differences(kept, await withSites(draw(kept.seed)));
  console.log(summary(kept));
  if (found.length === 0) return console.log('split.json fits what is installed');
  console.log(found.slice(0, 20).join('\n') + (found.length > 20 ? `\nand ${found.length - 20} more` : ''));
  throw new Error('split.json does not fit what is installed: draw it again with node split.mjs and look at the difference');
}

main().catch((error) => {
  console.error(`split: ${error.message}`);
  process.exitCode = 1;
});
