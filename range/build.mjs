/** Bundles the real SDKs, unmodified, and the site scripts that wire them; nothing is written to disk. */
import { readFileSync } from 'node:fs';
import { build } from 'esbuild';
import { bidders } from './adunits.mjs';

const here = new URL('.', import.meta.url);
const PREBID_MODULES = [
  ...bidders.map((bidder) => `${bidder}BidAdapter`),
  'consentManagementTcf',
  'consentManagementUsp',
  'userId',
  'sharedIdSystem',
];

/** Script address -> source of its entry point: one line that hands the SDK to the page, as the vendor's snippet does. */
const VENDOR_SCRIPTS = {
  'https://cdn.posthog.test/array.js': "import posthog from 'posthog-js'; window.posthog = posthog;",
  'https://cdn.mixpanel.test/libs/mixpanel.js': "import mixpanel from 'mixpanel-browser'; window.mixpanel = mixpanel;",
  'https://cdn.snowplow.test/sp.js': "import * as snowplow from '@snowplow/browser-tracker'; window.snowplow = snowplow;",
  'https://cdn.visitor-id.test/fp.js': "import fp from '@fingerprintjs/fingerprintjs'; window.FingerprintJS = fp;",
  'https://shop.test/assets/prebid.js': [
    "import pbjs from 'prebid.js';",
    ...PREBID_MODULES.map((name) => `import 'prebid.js/modules/${name}.js';`),
    'window.pbjs = pbjs; pbjs.processQueue();',
  ].join('\n'),
};

/** Script address -> file of our own site code. The consent manager is minified as in production; the rest stays readable. */
const SITE_SCRIPTS = {
  'https://cdn.consent-manager.test/shop/cmp.js': { file: 'client/cmp.js', minify: true },
  'https://shop.test/assets/shop.js': { file: 'client/shop.js', minify: false },
  'https://library.test/assets/library.js': { file: 'client/library.js', minify: false },
};

/** A small global vendor list with the bidders that are on the real one, by the ids that prebid.js publishes. */
export function vendorList() {
  const purposes = [1, 2, 3, 4, 7, 9, 10];
  const vendors = {};
  for (const bidder of bidders) {
    const file = new URL(`node_modules/prebid.js/metadata/modules/${bidder}BidAdapter.json`, here);
    const { components } = JSON.parse(readFileSync(file, 'utf8'));
    const id = components.find((c) => c.componentType === 'bidder' && c.componentName === bidder)?.gvlid;
    if (!Number.isInteger(id)) throw new Error(`prebid.js publishes no vendor id for the bidder ${bidder}: choose another one`);
    vendors[id] = {
      id, name: bidder, purposes, legIntPurposes: [], flexiblePurposes: [],
      specialPurposes: [1, 2], features: [3], specialFeatures: [2],
      cookieMaxAgeSeconds: 31536000, usesCookies: true, cookieRefresh: true, usesNonCookieAccess: true,
      dataRetention: { stdRetention: 390, purposes: {}, specialPurposes: {} },
      dataDeclaration: [1, 2, 3, 6, 8], urls: [{ langId: 'en', privacy: `https://${bidder}.test/privacy` }],
    };
  }
  const named = (count) => Object.fromEntries(
    Array.from({ length: count }, (_, i) => [i + 1, { id: i + 1, name: String(i + 1), description: '', illustrations: [] }]),
  );
  return {
    gvlSpecificationVersion: 3, vendorListVersion: 1, tcfPolicyVersion: 5, lastUpdated: '2025-01-02T16:00:00Z',
    purposes: named(11), specialPurposes: named(3), features: named(3), specialFeatures: named(2),
    dataCategories: named(11), stacks: {}, vendors,
  };
}

async function bundle(options) {
  const result = await build({ bundle: true, write: false, format: 'iife', target: 'es2022', logLevel: 'silent', ...options });
  return result.outputFiles[0].text;
}

/** Returns a Map from script address to JavaScript text; throws with the address of the script that does not build. */
export async function buildScripts() {
  const resolveDir = new URL('.', here).pathname;
  const jobs = [
    ...Object.entries(VENDOR_SCRIPTS).map(([url, contents]) => [url, { stdin: { contents, resolveDir }, minify: true }]),
    ...Object.entries(SITE_SCRIPTS).map(([url, { file, minify }]) => [url, {
      entryPoints: [new URL(file, here).pathname], minify, absWorkingDir: resolveDir,
      define: file === 'client/cmp.js' ? { VENDOR_LIST: JSON.stringify(vendorList()) } : {},
    }]),
  ];
  return new Map(await Promise.all(jobs.map(async ([url, options]) => {
    try {
      return [url, await bundle(options)];
    } catch (cause) {
      throw new Error(`the bundle ${url} did not build: ${cause.message}`, { cause });
    }
  })));
}
