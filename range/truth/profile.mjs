/**
 * The randomised profile of a visit: what the person and the device are, drawn so that a field which follows a property
 * from repeat to repeat can only have come from it. Every property is drawn by itself from a pool of four levels; the
 * draw is fixed by (seed, site, scenario, repeat). Unique values differ between the pools of training and test sites.
 */
import { createHash } from 'node:crypto';

export const LEVELS = 4;
export const GROUPS = ['train', 'test'];

const digest = (...parts) => createHash('sha256').update(parts.join('|')).digest('hex');
/** A whole number in [0, below), fixed by its name; `below` is far under 2^48, so that the remainder is fair. */
const whole = (below, ...name) => parseInt(digest(...name).slice(0, 12), 16) % below;
const fraction = (...name) => parseInt(digest(...name).slice(0, 13), 16) / 2 ** 52;

function uuid(...name) {
  const h = digest(...name);
  const variant = '89ab'[parseInt(h[16], 16) % 4];
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-4${h.slice(13, 16)}-${variant}${h.slice(17, 20)}-${h.slice(20, 32)}`;
}

/** A made-up word of `syllables` times 6.6 bits that nobody is called. */
function word(syllables, ...name) {
  const letters = Array.from({ length: syllables }, (_, at) => {
    const n = whole(100, ...name, at);
    return 'bcdfghjklmnprstvwxyz'[Math.floor(n / 5)] + 'aeiou'[n % 5];
  }).join('');
  return letters[0].toUpperCase() + letters.slice(1);
}

/** A coordinate whose levels lie degrees apart, so that a rounded one tells the level too; about 42 bits. */
const coordinate = (from, step, level, ...name) => Number((from + step * (level + 0.7 * fraction(...name))).toFixed(12));

/**
 * Values that can be unique: (level, group, ...name) -> value, with the data type and the bits that a value holds. The
 * last parts of the version tokens are even in training and odd in test, which keeps these small pools disjoint too.
 */
const UNIQUE = {
  email: { type: 'contact.email', bits: 96, draw: (level, group, ...name) => `reader.${digest(...name).slice(0, 24)}@example.com` },
  // +999 is no country's code: nobody can have this number. E.164 allows 15 digits, which hold no more than this.
  phone: {
    type: 'contact.phone',
    bits: 39,
    draw: (level, group, ...name) => `+999${1 + whole(9, ...name, 'first')}${String(whole(10 ** 11, ...name)).padStart(11, '0')}`,
  },
  name: { type: 'contact.name', bits: 66, draw: (level, group, ...name) => `${word(5, ...name, 'first')} ${word(5, ...name, 'last')}` },
  user_id: { type: 'user.id', bits: 96, draw: (level, group, ...name) => digest(...name).slice(0, 24) },
  visitor_id: { type: 'device.id', bits: 122, draw: (level, group, ...name) => uuid(...name) },
  shared_id: { type: 'device.advertising_id', bits: 122, draw: (level, group, ...name) => uuid(...name) },
  latitude: { type: 'location.precise', draw: (level, group, ...name) => coordinate(36, 6, level, ...name) },
  longitude: { type: 'location.precise', draw: (level, group, ...name) => coordinate(-8, 9, level, ...name) },
  ua_version: {
    type: 'device.browser',
    bits: 22,
    draw: (level, group, ...name) => [
      (group === 'train' ? 141 : 145) + level, 0, 5000 + whole(4999, ...name, 'build'), 100 + 2 * whole(450, ...name) + GROUPS.indexOf(group),
    ].join('.'),
  },
  os_version: {
    type: 'device.os',
    bits: 13,
    draw: (level, group, ...name) => [
      12 + level, 11 + whole(88, ...name, 'minor'), 10 + 2 * whole(45, ...name) + GROUPS.indexOf(group),
    ].join('.'),
  },
};

const SCREENS = [[1366, 768, 40, 24], [1600, 900, 48, 24], [1920, 1080, 56, 24], [1680, 1050, 72, 30]];
const GPUS = [
  ['Google Inc. (Intel)', 'ANGLE (Intel, ANGLE Metal Renderer: Intel(R) Iris(TM) Plus Graphics 655, Unspecified Version)'],
  ['Google Inc. (AMD)', 'ANGLE (AMD, ANGLE Metal Renderer: AMD Radeon Pro 5500M, Unspecified Version)'],
  ['Google Inc. (Apple)', 'ANGLE (Apple, ANGLE Metal Renderer: Apple M2, Unspecified Version)'],
  ['Google Inc. (NVIDIA)', 'ANGLE (NVIDIA, ANGLE Metal Renderer: NVIDIA GeForce GT 750M, Unspecified Version)'],
];
const ZONES = {
  EU: ['Europe/Lisbon', 'Europe/Berlin', 'Europe/Helsinki', 'Europe/Istanbul'],
  US: ['America/Los_Angeles', 'America/Denver', 'America/Chicago', 'America/New_York'],
};

/** Values that many devices share: (level, region) -> value. All pages stay in English, so that drivers find their words. */
const COMMON = {
  cores: (level) => [6, 10, 12, 20][level],
  memory: (level) => [1, 2, 4, 8][level],
  screen: (level) => {
    const [width, height, bar, depth] = SCREENS[level];
    return { width, height, availWidth: width, availHeight: height - bar, depth };
  },
  dpr: (level) => [1, 1.25, 1.5, 2][level],
  languages: (level) => [['en-IE', 'ga'], ['en-GB', 'cy'], ['en-US', 'es'], ['en-CA', 'fr']][level],
  timezone: (level, region) => ZONES[region.startsWith('US') ? 'US' : 'EU'][level],
  webgl: (level) => ({ vendor: GPUS[level][0], renderer: GPUS[level][1] }),
  canvas: (level) => level,
};

export const PROPERTIES = [...Object.keys(UNIQUE), ...Object.keys(COMMON)];

function valueOf(property, level, { seed, group, region }) {
  if (property in COMMON) return COMMON[property](level, region);
  return UNIQUE[property].draw(level, group, 'range', seed, group, property, level);
}

/**
 * Draws the profile of one visit.
 * @returns {levels: {property: 0..3}, values: {property: value}}
 */
export function drawProfile({ seed, site, group, scenario, repeat, region }) {
  if (!GROUPS.includes(group)) throw new Error(`${site} is in the group "${group}"; a group is ${GROUPS.join(' or ')}`);
  const levels = {};
  const values = {};
  for (const property of PROPERTIES) {
    levels[property] = whole(LEVELS, 'draw', seed, site, scenario, repeat, property);
    values[property] = valueOf(property, levels[property], { seed, group, region });
  }
  return { levels, values };
}

/** Every value that can be unique, of these pools: [{id, type, value, bits}]. */
export function plantedValues(seed, groups = GROUPS) {
  return groups.flatMap((group) => Object.entries(UNIQUE).flatMap(([property, { type, bits }]) => (
    Array.from({ length: LEVELS }, (_, level) => ({
      id: `${group}_${property}_${level}`, type, value: String(valueOf(property, level, { seed, group })), bits,
    }))
  )));
}

/** The planted values as the TOML file that the scanner reads. */
export function plantedToml(seed, groups = GROUPS) {
  const blocks = plantedValues(seed, groups).map(({ id, type, value, bits }) => (
    `\n[[planted]]\nid = "${id}"\ntype = "${type}"\nvalue = "${value}"\n${bits ? `bits = ${bits}\n` : ''}`
  ));
  return `# Known values planted in the visits to the sites of: ${groups.join(', ')}.\n` + blocks.join('');
}
