// What the reference libraries say about a consent string, as JSON values with ids in ascending order.
import { FibonacciIntegerEncoder, GppModel } from "@iabgpp/cmpapi";
import { TCString } from "@iabtechlabtcf/core";

const TC_VECTORS = [
  "specialFeatureOptins", "purposeConsents", "purposeLegitimateInterests", "vendorConsents",
  "vendorLegitimateInterests", "vendorsDisclosed", "vendorsAllowed", "publisherConsents",
  "publisherLegitimateInterests", "publisherCustomConsents", "publisherCustomLegitimateInterests",
];
const TC_VALUES = [
  "version", "created", "lastUpdated", "cmpId", "cmpVersion", "consentScreen", "consentLanguage", "vendorListVersion",
  "policyVersion", "isServiceSpecific", "useNonStandardTexts", "purposeOneTreatment", "publisherCountryCode",
  "numCustomPurposes",
];
const ascending = (ids) => [...new Set(ids)].sort((a, b) => a - b);

// The reference puts no bound on a Fibonacci-coded number: a damaged string can announce a run of 100 million ids, which
// ends the Node process. Ids have 16 bits everywhere else in the format, and so they have here.
const unbounded = FibonacciIntegerEncoder.decode;
FibonacciIntegerEncoder.decode = (bits) => {
  const value = unbounded(bits);
  if (value > 65_535) throw new RangeError("a Fibonacci code above 65535");
  return value;
};

function tcFields(text) {
  const model = TCString.decode(text);
  const out = {};
  for (const name of TC_VALUES) out[name] = model[name];
  for (const name of TC_VECTORS) out[name] = ascending(model[name].values());
  out.publisherRestrictions = model.publisherRestrictions.getRestrictions().map((r) => ({
    purposeId: r.purposeId,
    type: r.restrictionType,
    vendors: model.publisherRestrictions.getVendors(r),
  }));
  return out;
}

function gppFields(text) {
  const sections = new GppModel(text).toObject();
  for (const fields of Object.values(sections)) {
    for (const [name, value] of Object.entries(fields)) {
      if (!Array.isArray(value) || !value.length) continue;
      if (typeof value[0] === "object") {
        fields[name] = value.map((e) => ({ key: e.getKey(), type: e.getType(), ids: ascending(e.getIds()) }));
      } else if (/Vendor/.test(name)) {
        fields[name] = ascending(value);
      }
    }
  }
  return sections;
}

// One line: the text with the reference's fields, or with its error.
export function judged(kind, text, more = {}) {
  try {
    return { text, ...more, fields: kind === "tc" ? tcFields(text) : gppFields(text) };
  } catch (error) {
    return { text, ...more, error: String(error.message) };
  }
}
