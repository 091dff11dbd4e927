/** The sites made ready to be visited: their scripts are built, and each comes with the driver of its consent manager and a finder of components. */
import { listSdks } from '../sdks/index.mjs';
import { USER_IDS } from '../adapters/index.mjs';
import { cmpNamed } from '../cmps/index.mjs';
import { buildScripts } from '../sites/scripts.mjs';
import { componentFinder } from './components.mjs';

/** Which component the code of each module of a prebid.js bundle is; what belongs to none is the core, "prebid.js". */
function ownersIn(bidders) {
  const owners = new Map(Object.entries(USER_IDS).map(([module, { component }]) => [`prebid.js/modules/${module}`, component]));
  for (const { module, component, aliasOf } of bidders) {
    const name = `prebid.js/modules/${module}`;
    if (!owners.has(name) || !aliasOf) owners.set(name, component); // aliases share the code of their parent
  }
  return owners;
}

/** Where each component of a site sends to: its own hosts, or the path or name of the site that stands for them. */
function addressesOf(site) {
  const hosts = new Map(listSdks().map(({ component, hosts: own }) => [component, own]));
  const owned = new Map();
  for (const { component, front } of site.tags) {
    const addresses = (hosts.get(component) ?? []).map((host) => `https://${host}`);
    owned.set(component, front ? [...addresses, `https://${front}`] : addresses);
  }
  if (site.security) owned.set(site.security.component, [`https://${site.security.host}`]);
  if (site.cmp) {
    const { package: component, recordHost } = cmpNamed(site.cmp).about;
    owned.set(component, recordHost ? [`https://${recordHost}`] : []);
  }
  return owned;
}

/**
 * Builds what the sites load and makes them ready to be visited.
 * @param sites entries of the catalogue.
 * @returns {sites: the entries with `driver` ({act, read} of the consent manager, or null) and `finder`, scripts: Map from address to text}
 */
export async function openVenue(sites) {
  const { scripts, bundles } = await buildScripts(sites);
  const opened = sites.map((site) => {
    const mapped = site.tags.filter(({ script }) => bundles.has(script)).map(({ script }) => (
      [script, { moduleMap: bundles.get(script), owners: ownersIn(site.bidders) }]));
    const finder = componentFinder({
      site: site.site, scripts: new Map(Object.entries(site.scripts)), owned: addressesOf(site), bundles: new Map(mapped),
    });
    return { ...site, driver: site.cmp ? cmpNamed(site.cmp) : null, finder };
  });
  return { sites: opened, scripts };
}
