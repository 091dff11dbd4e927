/** Made-up personal data in the sample parameters gives way to what the visit plants, and to nothing where it plants nothing.
 *
 * A marker {"$told": name} stands for a value that the page is told at run time; a name is a key of `told`, or of `told.position`.
 */

const PLANTED = {
  latitude: /^(?:geo)?_?lat(?:itude)?$/i,
  longitude: /^(?:geo)?_?(?:lon|lng|long|longitude)$/i,
  email: /^e?-?mail$|^hem$|^emailAddress$|^hashedEmail$/i,
  phone: /^(?:phone|msisdn|tel)(?:Number)?$/i,
  userId: /^(?:ssp|external|ext)?_?(?:user_?id|uid2?)$|^buyeruid$/i,
  sharedId: /^(?:ifa|idfa|idfv|aaid|gaid|adid|advertisingId|pubcid)$/i,
};
const DROPPED = /^(?:user|client|device)?_?ip(?:v6)?$|^(?:yob|gender|age|birth(?:day|date)?|zip|postal_?code|city|userKey|(?:gdpr|consent|us_?privacy|gpp|tc_?string)(?:_?(?:consent|string|applies))?|\w*udid|windowsadid)$/i;
/** Keys that name the person only where they stand in one of these objects; elsewhere `uid` is the number of an ad slot. */
const PERSON = /^(?:user|device|geo|visitor|person|ext_?user)$/i;
const ONLY_IN_PERSON = /^(?:uid2?|age|city|id|adid)$/i;

function plantedFor(key, inPerson) {
  if (ONLY_IN_PERSON.test(key) && !inPerson) return null;
  if (inPerson && key === 'id') return 'userId';
  return Object.keys(PLANTED).find((name) => PLANTED[name].test(key)) ?? null;
}

/** A copy of a value of JSON in which every made-up personal value is a marker or gone. */
export function replacePersonal(value, inPerson = false) {
  if (Array.isArray(value)) return value.map((item) => replacePersonal(item, inPerson));
  if (typeof value !== 'object' || value === null) return value;
  const copy = {};
  for (const [key, item] of Object.entries(value)) {
    const scalar = typeof item === 'string' || typeof item === 'number';
    const planted = scalar ? plantedFor(key, inPerson) : null;
    const dropped = DROPPED.test(key) && (inPerson || !ONLY_IN_PERSON.test(key));
    if (planted) copy[key] = { $told: planted };
    else if (!dropped) copy[key] = replacePersonal(item, inPerson || PERSON.test(key));
  }
  return copy;
}
