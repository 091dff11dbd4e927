// TC strings by the reference's own encoder, every field and segment drawn.
import { PurposeRestriction, Segment, SegmentEncoder, TCModel } from "@iabtechlabtcf/core";

const LANGUAGES = [];
TCModel.consentLanguages.forEach((language) => LANGUAGES.push(language.slice(0, 2).toUpperCase()));

export function tcString(draw) {
  const model = new TCModel();
  model.created = draw.date();
  model.lastUpdated = draw.date();
  model.cmpId = draw.int(2, 4095);
  model.cmpVersion = draw.int(0, 4095);
  model.consentScreen = draw.int(0, 63);
  model.consentLanguage = draw.one(LANGUAGES);
  model.vendorListVersion = draw.int(0, 4095);
  model.policyVersion = draw.one([2, 3, 4, 5, 5, 5, draw.int(0, 63)]);
  model.isServiceSpecific = draw.chance(0.8);
  model.useNonStandardTexts = draw.chance(0.3);
  model.purposeOneTreatment = draw.chance(0.2);
  model.publisherCountryCode = draw.one(["AA", "DE", "FR", "GB", "IT", "ZZ", "PL"]);
  model.specialFeatureOptins.set(draw.subset(12));
  model.purposeConsents.set(draw.subset(24));
  model.purposeLegitimateInterests.set(draw.subset(24));
  for (const name of ["vendorConsents", "vendorLegitimateInterests", "vendorsDisclosed", "vendorsAllowed"]) {
    model[name].set(draw.vendors());
  }
  restrict(draw, model.publisherRestrictions);
  model.publisherConsents.set(draw.subset(24));
  model.publisherLegitimateInterests.set(draw.subset(24));
  model.numCustomPurposes = draw.one([0, 0, draw.int(1, 63)]);
  model.publisherCustomConsents.set(draw.subset(model.numCustomPurposes));
  model.publisherCustomLegitimateInterests.set(draw.subset(model.numCustomPurposes));
  const optional = [Segment.VENDORS_DISCLOSED, Segment.VENDORS_ALLOWED, Segment.PUBLISHER_TC];
  const segments = optional.filter(() => draw.chance(0.6));
  if (draw.chance(0.2)) segments.reverse();
  return [Segment.CORE, ...segments].map((segment) => SegmentEncoder.encode(model, segment)).join(".");
}

function restrict(draw, restrictions) {
  const present = new Set();
  for (let n = draw.one([0, 0, 1, 2, draw.int(3, 20)]); n > 0; n--) {
    const restriction = new PurposeRestriction(draw.int(1, 24), draw.int(0, 2));
    for (const vendor of draw.vendors().slice(0, 300)) {
      restrictions.add(vendor, restriction);
      present.add(vendor);
    }
  }
  // The encoder joins vendors into a range across ids that the vendor list lacks; here the list has all ids, or gaps.
  const all = draw.chance(0.5);
  restrictions.gvl_ = { vendorIds: { has: (id) => all || present.has(id) } };
}
