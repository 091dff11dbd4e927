/** All scripts that the sites load, by address: SDKs, prebid.js bundles, consent managers, and the sites' own code. */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { buildPrebid } from '../adapters/index.mjs';
import { buildCmp, cmpAddresses, cmpNamed } from '../cmps/index.mjs';
import { buildSdk } from '../sdks/index.mjs';
import { vendorsOf } from './vendors.mjs';
import { wordsOf } from './words.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
/** Cookies and keys that a site needs to work; all others go when consent is withdrawn. */
const NECESSARY = ['session_id', 'csrf_token', 'basket'];
const POSITIONS = { cookieconsent: ['bottom', 'top', 'bottom-right'], 'vanilla-cookieconsent': ['bottom right', 'bottom center', 'middle center'] };

async function bundle(file, define) {
  const result = await build({
    entryPoints: [`${here}${file}`], bundle: true, write: false, format: 'iife', target: 'es2022', logLevel: 'silent', define,
  });
  return result.outputFiles[0].text;
}

/** An SDK that is behind a name or a path of the site: what its configuration would say, put in place of the vendor's address. */
async function sdkText({ component, front, behind }) {
  const text = await buildSdk(component);
  if (!front) return text;
  const changed = behind.reduce((made, host) => made.replaceAll(host, front), text);
  if (changed === text) throw new Error(`${component} names none of its recipients (${behind.join(', ')}) in its code: it cannot be moved behind ${front}`);
  return changed;
}

function siteConfig(site) {
  return {
    site: site.site,
    tags: site.tags.map(({ component, script, category, faults, told, pixel, enforce, waits, renews }) => ({
      component, script, category, faults, told, pixel, enforce, waits, renews,
    })),
    necessary: [...NECESSARY, ...(site.cmp ? cmpNamed(site.cmp).about.cookies : [])],
  };
}

function cmpConfig(site) {
  const { about } = cmpNamed(site.cmp);
  const looks = POSITIONS[site.cmp];
  return {
    site: site.site, faults: site.managerFaults, words: wordsOf(site), vendors: site.vendors ?? vendorsOf(site.bidders ?? []),
    ...(looks ? { position: looks[site.site.length % looks.length] } : {}),
    ...(site.record ? { record: `https://${about.recordHost}/v1/consents` } : {}),
  };
}

/**
 * Builds what the sites load.
 * @param own texts of components that are no SDKs, by name (the probe of prove.mjs).
 * @returns {scripts: Map from address to text, bundles: Map from the address of a prebid.js bundle to its moduleMap}
 */
export async function buildScripts(sites, own = {}) {
  const scripts = new Map();
  const bundles = new Map();
  for (const site of sites) { // one after the other: a bundle of a hundred adapters takes much memory
    scripts.set(`https://${site.site}/assets/site.js`, await bundle('wiring.mjs', { SITE: JSON.stringify(siteConfig(site)) }));
    if (site.cmp) scripts.set(cmpAddresses(site.cmp, site.site).scripts.at(-1), await buildCmp(site.cmp, cmpConfig(site)));
    if (site.security) scripts.set(site.security.script, await bundle('security.mjs', { FORM: JSON.stringify(site.security.form) }));
    for (const tag of site.tags) {
      if (own[tag.component]) scripts.set(tag.script, own[tag.component]);
      else if (tag.component !== 'prebid.js') scripts.set(tag.script, await sdkText(tag));
      else {
        const { text, moduleMap } = await buildPrebid({
          bidders: site.bidders.map(({ bidder }) => bidder), modules: site.userIds.map(({ module }) => module), enforce: tag.enforce,
        });
        scripts.set(tag.script, text);
        bundles.set(tag.script, moduleMap);
      }
    }
  }
  return { scripts, bundles };
}
