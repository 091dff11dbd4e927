/** The synthetic identity of the person in the recording: seeded, so that every run plants the same values. */
import { createHash } from 'node:crypto';

const SEED = 'consentinel-range-1';
const hex = (name) => createHash('sha256').update(`${SEED}|${name}`).digest('hex');

/** A number in [0, 1) with 52 random bits, fixed by its name. */
const fraction = (name) => parseInt(hex(name).slice(0, 13), 16) / 2 ** 52;

function uuid(name) {
  const h = hex(name);
  const variant = '89ab'[parseInt(h[16], 16) % 4];
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-4${h.slice(13, 16)}-${variant}${h.slice(17, 20)}-${h.slice(20, 32)}`;
}

export const person = {
  email: `reader.${hex('email').slice(0, 24)}@example.com`,
  visitorId: uuid('visitor'),
  latitude: Number((53.3 + 0.1 * fraction('latitude')).toFixed(12)),
  longitude: Number((-6.3 + 0.1 * fraction('longitude')).toFixed(12)),
};

const PLANTED = [
  { id: 'email', type: 'contact.email', value: person.email },
  { id: 'visitor_id', type: 'device.id', value: person.visitorId },
  { id: 'latitude', type: 'location.precise', value: String(person.latitude) },
  { id: 'longitude', type: 'location.precise', value: String(person.longitude) },
];

/** The planted values as the TOML file that the scanner reads. */
export function plantedToml() {
  const blocks = PLANTED.map(
    ({ id, type, value }) => `\n[[planted]]\nid = "${id}"\ntype = "${type}"\nvalue = "${value}"\n`,
  );
  return '# Known values planted in the recording: any of them leaving for a third party is proof.\n' + blocks.join('');
}
