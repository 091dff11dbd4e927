/** Nothing is missing: what the browser did not show is taken from the server, and each component was seen to send. */
import { adUnits } from './adunits.mjs';

const SDK_CALLS = {
  'posthog-js': { host: 'i.posthog.test', path: /^\/(e|i\/v0\/e)\// },
  'mixpanel-browser': { host: 'api.mixpanel.test', path: /^\/track\// },
  '@snowplow/browser-tracker': { host: 'collector.snowplow.test', path: /^\/com\.snowplowanalytics\.snowplow\/tp2/ },
  '@fingerprintjs/fingerprintjs': { host: 'ingest.visitor-id.test', path: /^\/v1\/visits/ },
};
const BIDDER_CALLS = Object.fromEntries(
  adUnits.flatMap(({ bids }) => bids).map(({ bidder, host }) => [`the prebid.js bidder ${bidder}`, { host, path: /./ }]),
);
const EXPECTED = {
  'shop.test': { ...SDK_CALLS, ...BIDDER_CALLS },
  'library.test': { 'posthog-js': SDK_CALLS['posthog-js'], '@snowplow/browser-tracker': SDK_CALLS['@snowplow/browser-tracker'] },
};

/** Names the components of a site that sent nothing; for the accept scenario, where all of them should. */
export function silentComponents(site, hops) {
  const sent = hops.filter(({ request }) => request.method !== 'OPTIONS').map(({ request }) => new URL(request.url));
  const spoke = ({ host, path }) => sent.some((url) => url.host === host && path.test(url.pathname));
  return Object.entries(EXPECTED[site]).filter(([, call]) => !spoke(call)).map(([name]) => name);
}

const key = (method, url) => `${method} ${url.split('#')[0]}`;

/** The browser's own calls (updates, accounts, form filling) come from no page: they carry no fetch site. */
function fromPage({ headers }) {
  return headers['sec-fetch-mode'] === 'navigate' || !['none', undefined].includes(headers['sec-fetch-site']);
}

/** Requests the server saw and the browser did not show: beacons of a page that is just going away. */
export function unshownRequests(hops, seen) {
  const shown = new Map();
  for (const { request } of hops) {
    const name = key(request.method, request.url);
    shown.set(name, (shown.get(name) ?? 0) + 1);
  }
  return seen.filter(fromPage).filter(({ method, url }) => {
    const left = shown.get(key(method, url)) ?? 0;
    shown.set(key(method, url), left - 1);
    return left <= 0;
  });
}

/** Gives each hop whose body the browser withheld the bytes that the server got; returns the addresses still without. */
export function fillBodies(hops, seen) {
  const bodies = new Map();
  for (const { method, url, body } of seen) bodies.set(key(method, url), [...(bodies.get(key(method, url)) ?? []), body]);
  const without = [];
  for (const hop of hops) {
    const body = bodies.get(key(hop.request.method, hop.request.url))?.shift();
    if (!hop.request.hasPostData || hop.body?.length) continue;
    if (body) hop.body = body;
    else if (!hop.error) without.push(hop.request.url);
  }
  return without;
}

/** A request known from the server alone, as a hop: real method, address, headers, body and time, no initiator. */
export function serverHop({ method, url, headers, body, time }, pages) {
  // It belongs to the page before the one that is just arriving: each page stays for seconds, a farewell takes less than one.
  const arrived = ({ domReady, timestamp, wallTime }) => domReady && wallTime + domReady - timestamp + 1 <= time;
  return {
    request: { method, url, headers }, sentHeaders: headers, body, wallTime: time, timestamp: 0, ended: 0,
    type: headers['sec-fetch-mode'] === 'no-cors' ? 'Ping' : 'Other', initiator: { type: 'other' },
    page: Math.max(1, pages.filter(arrived).length), received: 0, encoded: 0, source: 'server',
  };
}
