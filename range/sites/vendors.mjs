/** The vendors of a page's ad units as the Global Vendor List describes them, from the copy that prebid.js ships. */
import { existsSync, readFileSync } from 'node:fs';

const METADATA = new URL('../node_modules/prebid.js/metadata/modules/', import.meta.url);

/** {id: {name, purposes, legIntPurposes, ...}} for those adapters that are on the list; adapters as listAdapters() gives them. */
export function vendorsOf(adapters) {
  const vendors = {};
  for (const { bidder, module, gvlid } of adapters) {
    const file = new URL(`${module}.json`, METADATA);
    if (!Number.isInteger(gvlid) || gvlid < 1 || !existsSync(file)) continue;
    const listed = JSON.parse(readFileSync(file, 'utf8')).purposes?.[gvlid];
    vendors[gvlid] = {
      name: bidder,
      purposes: listed?.purposes ?? [1, 2, 3, 4, 7, 9, 10],
      legIntPurposes: listed?.legIntPurposes ?? [],
      specialFeatures: listed?.specialFeatures ?? [],
    };
  }
  return vendors;
}
