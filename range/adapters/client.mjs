// The page's side of the auctions: what a publisher's wrapper around prebid.js does, and the truth it tells the range.
import { registerActivityControl } from 'prebid-internal/activities/rules.js';

const LAST = 1000; // priority of a rule that only looks, after all that decide
const BIDDER_TIMEOUT_MS = 2500;

/** The value of a sample with its markers filled in; what the page is not told is left out. */
function fill(value, told) {
  if (Array.isArray(value)) return value.map((item) => fill(item, told)).filter((item) => item !== undefined);
  if (typeof value !== 'object' || value === null) return value;
  if ('$told' in value) return told[value.$told] ?? told.position?.[value.$told];
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fill(item, told)]).filter(([, item]) => item !== undefined));
}

const textOf = (data) => {
  try {
    return typeof data === 'string' ? data : JSON.stringify(data) ?? null;
  } catch {
    return null; // a request object that refers to itself; the send is seen by the tracer all the same
  }
};

function tell(note) {
  window.__truth?.({ what: 'bid', t: Date.now() / 1000, ...note });
}

function reportTruth(pbjs) {
  pbjs.onEvent('bidRequested', ({ bidderCode, bids }) => tell({ phase: 'asked', bidder: bidderCode, url: null, data: null, n: bids.length }));
  pbjs.onEvent('beforeBidderHttp', ({ bidderCode }, { url, data, method }) => tell({
    phase: 'request', bidder: bidderCode, url: String(url), data: textOf(data), method,
  }));
  pbjs.onEvent('bidderError', ({ bidderRequest }) => tell({ phase: 'error', bidder: bidderRequest.bidderCode, url: null, data: null }));
  registerActivityControl('syncUser', 'range: truth', ({ componentName, syncType, syncUrl }) => {
    tell({ phase: 'sync', bidder: componentName, url: syncUrl, data: null, method: syncType });
  }, LAST);
}

async function sha256(text) {
  const bytes = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text.trim().toLowerCase()));
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

const UNENFORCED = ['storage', 'basicAds', 'personalizedAds', 'measurement', 'transmitPreciseGeo']
  .map((purpose) => ({ purpose, enforcePurpose: false, enforceVendor: false }));

/** Only what the page has a consent manager for: where one is configured and missing, prebid.js asks nobody. */
function consentManagement(region, enforce) {
  const rules = enforce ? {} : { rules: UNENFORCED };
  const settings = {
    ...(window.__tcfapi ? { gdpr: { cmpApi: 'iab', timeout: 3000, actionTimeout: 400, defaultGdprScope: region === 'EU', ...rules } } : {}),
    ...(window.__gpp ? { gpp: { cmpApi: 'iab', timeout: 3000 } } : {}),
    ...(window.__uspapi ? { usp: { cmpApi: 'iab', timeout: 500 } } : {}),
  };
  return Object.keys(settings).length ? { consentManagement: settings } : {};
}

async function userIds(names, told, enforce) {
  const email = told.email && names.length ? await sha256(told.email) : null;
  const keep = (name) => ({ storage: { type: 'cookie', name, expires: 30 } });
  const settings = {
    connectId: { params: { pixelId: 58776, he: email }, ...keep('connectId') },
    publinkId: { params: { e: email, site_id: '214393', api_key: '061065f4-4835-40f4-936e-74e0f3af59b5' }, ...keep('pbjs_publink') },
    fabrickId: { params: { apiKey: '12345', e: email }, ...keep('pbjs_fabrickId') },
  };
  const shared = enforce && told.sharedId
    ? { name: 'sharedId', value: { pubcid: told.sharedId } } // nothing is stored before prebid.js knows the choice
    : { name: 'sharedId', storage: { type: 'cookie', name: '_sharedID', expires: 365 } };
  return [shared, ...names.filter(() => email).map((name) => ({ name, ...settings[name] }))];
}

function firstParty(told, ortb2 = {}) {
  const { position } = told;
  return {
    ...ortb2,
    site: {
      name: document.title || location.hostname, cat: ['IAB1'], keywords: 'news,home', content: { url: location.href, language: 'en' }, ...ortb2.site,
    },
    user: { ...(told.visitorId ? { id: told.visitorId } : {}), ...ortb2.user },
    device: { ...(position ? { geo: { lat: position.latitude, lon: position.longitude, type: 1 } } : {}), ...ortb2.device },
  };
}

/** One slot for each unit, laid out below the page's content with the size that it offers. */
function makeSlots(plan, told) {
  return plan.bidders.flatMap(({ bidder, units }) => units.map((unit, i) => {
    const { mediaTypes, params, ortb2Imp } = fill(unit, told);
    const code = `ad-${bidder}-${i + 1}`;
    if (!document.getElementById(code)) {
      const [width, height] = mediaTypes.banner?.sizes?.[0] ?? [300, 250];
      const slot = document.createElement('div');
      slot.id = code;
      slot.className = 'ad';
      slot.style.cssText = `width:${width}px;height:${height}px`;
      (document.querySelector('[data-ads]') ?? document.body).append(slot);
    }
    return { code, mediaTypes, ...(ortb2Imp ? { ortb2Imp } : {}), bids: [{ bidder, params }] };
  }));
}

function plantSharedId(sharedId) {
  if (/(?:^|; )_sharedID=/.test(document.cookie)) return;
  document.cookie = `_sharedID=${sharedId}; Domain=${location.hostname}; Path=/; Max-Age=${365 * 86400}; Secure; SameSite=Lax`;
}

/** Registers the tag of the page: window.rangeTags['prebid.js'].start runs one auction and ends when the bids are back. */
export function register(pbjs, plan) {
  reportTruth(pbjs);
  pbjs.processQueue();
  async function start({ region = 'EU', told = {}, enforce = plan.enforce, ortb2 } = {}) {
    if (told.sharedId && !enforce) plantSharedId(told.sharedId);
    pbjs.bidderSettings = { standard: { storageAllowed: true } };
    pbjs.setConfig({
      ...fill(plan.settings, told),
      bidderTimeout: BIDDER_TIMEOUT_MS,
      disableAjaxTimeout: true, // a busy machine must not decide which requests go out: a late answer is dropped, its request is not
      bidderSequence: 'fixed',
      enableSendAllBids: true,
      ...consentManagement(region, enforce),
      ortb2: firstParty(told, ortb2),
      userSync: {
        userIds: await userIds(plan.userIds, told, enforce),
        filterSettings: { all: { bidders: '*', filter: 'include' } },
        syncsPerBidder: 3, auctionDelay: plan.userIds.length ? 300 : 0, syncDelay: 300,
      },
    });
    const adUnits = makeSlots(plan, told);
    await pbjs.requestBids({ adUnits, timeout: BIDDER_TIMEOUT_MS });
    return { units: adUnits.length };
  }
  window.pbjs ??= pbjs;
  (window.rangeTags ??= {})['prebid.js'] = { start };
}
