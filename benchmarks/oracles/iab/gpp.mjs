// GPP strings by the reference's own encoder, over every section of its map.
import {
  GppModel, HeaderV1, RangeEntry, Sections, TcfCaV1CoreSegment, TcfCaV1DisclosedVendorsSegment,
} from "@iabgpp/cmpapi";
import { tcString } from "./tc.mjs";

const NAMES = Sections.SECTION_ORDER;
const IDS = new Map([...Sections.SECTION_ID_NAME_MAP].map(([id, name]) => [name, id]));

export function gppString(draw, i) {
  const names = new Set([NAMES[i % NAMES.length]]); // every section has its turn, others join it
  for (let more = draw.one([0, 0, 1, 2, 5]); more > 0; more--) names.add(draw.one(NAMES));
  const parts = [...names].sort((a, b) => IDS.get(a) - IDS.get(b)).map((name) => [IDS.get(name), section(draw, name)]);
  const header = new HeaderV1();
  header.setFieldValue("SectionIds", parts.map(([id]) => id));
  return [header.encode(), ...parts.map(([, text]) => text)].join("~");
}

function section(draw, name) {
  if (name === "tcfeuv2" && draw.chance(0.5)) return tcString(draw);
  const model = new GppModel();
  model.setFieldValue(name, firstField(name), firstValue(name, draw)); // makes the section
  for (const [field, value] of Object.entries(model.getSection(name))) fill(draw, model, name, field, value);
  if (name === "tcfcav1") {
    model.setFieldValue(name, "Created", draw.date());
    model.setFieldValue(name, "LastUpdated", draw.date());
    if (draw.chance(0.2)) return outdated(draw, model.getSection(name));
  }
  if (name === "tcfeuv2") model.setFieldValue(name, "Created", draw.date());
  if (name.startsWith("us")) include(draw, model, name);
  return model.encodeSection(name);
}

const firstField = (name) => (["usmd", "usin", "usky", "usri"].includes(name) ? "MspaVersion" : "Version");
const firstValue = (name, draw) => (name === "tcfeuv2" ? 2 : name === "usnat" ? draw.int(1, 2) : 1);

function fill(draw, model, name, field, value) {
  if (/Version$|SegmentType$|^Created$|^LastUpdated$|^IsServiceSpecific$/.test(field)) {
    if (!/^(CmpVersion|VendorListVersion|PolicyVersion|TcfPolicyVersion)$/.test(field)) return;
  }
  const set = (v) => model.setFieldValue(name, field, v);
  if (name === "uspv1") return set(draw.one(["Y", "N", "-"]));
  if (/^(CmpId|CmpVersion|VendorListVersion)$/.test(field)) return set(draw.int(0, 4095));
  if (/^(ConsentScreen|PolicyVersion|TcfPolicyVersion)$/.test(field)) return set(draw.int(0, 63));
  if (field === "ConsentLanguage" || field === "PublisherCountryCode") return set(draw.one(["DE", "EN", "FR", "ZH", "AA"]));
  if (/Restrictions$/.test(field)) return set(entries(draw));
  if (/^Vendor|^DisclosedVendors$/.test(field)) return set(draw.vendors());
  if (field === "NumCustomPurposes") return set(draw.one([0, 0, draw.int(1, 63)]));
  if (/^Publisher?Custom|^CustomPurposes/.test(field)) {
    return set(flags(draw, model.getFieldValue(name, "NumCustomPurposes")));
  }
  if (typeof value === "boolean") return set(draw.chance(0.5));
  if (Array.isArray(value)) return set(typeof value[0] === "boolean" ? flags(draw, value.length) : pairs(draw, value.length));
  return set(field === "MspaCoveredTransaction" ? draw.int(1, 2) : draw.int(0, 2));
}

const flags = (draw, n) => Array.from({ length: n }, () => draw.chance(0.5));
const pairs = (draw, n) => Array.from({ length: n }, () => draw.int(0, 2));
const entries = (draw) =>
  Array.from({ length: draw.one([0, 0, 1, 3]) }, () => new RangeEntry(draw.int(1, 24), draw.int(0, 2), draw.vendors()));

function include(draw, model, name) {
  for (const field of ["GpcSegmentIncluded", "SensitiveDataConsentSegmentIncluded"]) {
    if (model.hasField(name, field)) model.setFieldValue(name, field, draw.chance(0.7));
  }
}

// The Canadian section as encoders wrote it before its ranges became Fibonacci-coded.
function outdated(draw, fields) {
  const parts = [new TcfCaV1CoreSegment()];
  if (draw.chance(0.5)) parts.push(new TcfCaV1DisclosedVendorsSegment());
  return parts.map((segment) => {
    const old = segment.buildFields(true);
    for (const name of segment.getFieldNames()) old.get(name).setValue(fields[name]);
    return segment.encodeSegment(old);
  }).join(".");
}
