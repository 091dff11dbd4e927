/** Turns what page, browser and server saw of one visit into the lines of its truth file. */
import { unshownRequests } from '../completeness.mjs';
import { framesOf, scriptsOf } from './components.mjs';

const SCRIPTS_SHOWN = 4;
const withoutHash = (url) => url.split('#')[0];
const VIA = { Image: 'img', Script: 'script', Document: 'iframe', Fetch: 'fetch', XHR: 'xhr', Ping: 'beacon', WebSocket: 'ws' };
const position = (frame) => {
  const [, script, line] = /^(.*):(\d+):\d+$/.exec(frame) ?? [];
  return { script: script ?? null, line: line ? Number(line) : null };
};

/** Values in the order they came, by key; take(key) gives the next one, undefined when there is none left. */
function queues(items, key) {
  const waiting = new Map();
  for (const item of items) {
    const name = key(item);
    if (!waiting.has(name)) waiting.set(name, []);
    waiting.get(name).push(item);
  }
  return { take: (name) => waiting.get(name)?.shift(), first: (name) => waiting.get(name)?.[0] };
}

/** An address as the browser writes it, without its fragment; null where it is none. Sites are at https. */
function normal(url) {
  try {
    const address = new URL(url, 'https://relative.invalid/');
    return address.hostname === 'relative.invalid' ? null : withoutHash(address.href);
  } catch {
    return null;
  }
}

/** Which bidder asked for a request: prebid.js itself makes the requests that its adapters describe. Several may share an address. */
function bidOwners(events) {
  const owners = new Map();
  const byHost = new Map();
  const add = (key, component) => { if (!owners.has(key)) owners.set(key, component); };
  for (const { what, bidder, url, data } of events) {
    const address = what === 'bid' && url ? normal(url) : null;
    if (!address) continue;
    const { host } = new URL(address);
    byHost.set(host, (byHost.get(host) ?? new Set()).add(`prebid.js/${bidder}`));
    for (const key of [`${address}\n${data}`, address, address.split('?')[0]]) add(key, `prebid.js/${bidder}`); // GET: the data joins the address
  }
  const exactly = (url, body) => owners.get(`${url}\n${body}`) ?? owners.get(url) ?? null;
  const ofHost = (host) => (byHost.get(host)?.size === 1 ? [...byHost.get(host)][0] : null); // what its server or its frame asked for
  return { exactly, roughly: (url, body) => exactly(url, body) ?? owners.get(url.split('?')[0]) ?? ofHost(new URL(url).host) };
}

/** The body of a send whose content the page could not tell (a stream, a foreign blob), as the server got it. */
function bodyFromServer(bytes) {
  if (!bytes?.length) return {};
  const text = bytes.toString('utf8');
  return Buffer.from(text, 'utf8').equals(bytes) ? { body: text } : { body_b64: bytes.toString('base64') };
}

/**
 * @param events what the tracer told, hops what the browser sent, seen what reached the server.
 * @param finder componentFinder of the site.
 * @returns {lines, fired}: lines sorted by time; fired maps each component to the number of its requests that arrived.
 */
export function truthLines({ events, hops, seen, finder }) {
  const lines = [];
  const bidder = bidOwners(events);
  const arrived = unshownRequests([], seen).filter(({ method }) => method !== 'OPTIONS'); // all of the page's own, none of the browser's
  const bodies = queues(arrived, ({ url }) => withoutHash(url));
  const componentOf = (stack, url, body) => {
    const found = finder.ofStack(stack, url);
    const address = withoutHash(url);
    if (found?.startsWith('prebid.js/')) return bidder.exactly(address, body) ?? found; // an alias runs the code of its parent
    return found === 'prebid.js' || found === null ? bidder.roughly(address, body) ?? found ?? finder.ownerOf(url) : found;
  };
  const sends = [];
  const addSend = ({ t, via, method, url, body, body_b64: base64, opaque }, stack) => {
    const content = opaque ? bodyFromServer(bodies.first(withoutHash(url))?.body)
      : { ...(body === undefined ? {} : { body }), ...(base64 === undefined ? {} : { body_b64: base64 }) };
    const component = componentOf(stack, url, body);
    sends.push({ what: 'send', t, via, method, url, ...content, component, stack: scriptsOf(stack).slice(0, SCRIPTS_SHOWN) });
  };

  for (const { what, ...event } of events) {
    if (what === 'send') {
      addSend(event, event.stack);
    } else if (what === 'read') {
      const { props, stack, t, n } = event;
      const component = finder.ofStack(stack);
      for (const prop of props) lines.push({ what, t, prop, component, ...position(stack[0]), n });
    } else if (what === 'store') {
      const { stack, ...write } = event;
      lines.push({ what, ...write, component: finder.ofStack(stack) });
    } else if (what === 'bid') {
      lines.push({ what, ...event, component: `prebid.js/${event.bidder}` });
    }
  }

  // What no script of the page was seen to send: markup that a script wrote, redirects, and the like.
  const told = queues(sends.slice(), ({ url }) => withoutHash(url));
  for (const { request, type, wallTime, initiator, requestId, body } of hops) {
    const url = withoutHash(request.url);
    if (request.method === 'OPTIONS' || requestId === undefined || told.take(url)) continue;
    const stack = framesOf(initiator);
    if (type === 'Document' && !stack.length) continue; // the person went there
    addSend({ t: wallTime, via: VIA[type] ?? 'other', method: request.method, url, ...bodyFromServer(body) }, stack);
  }

  const owners = queues(sends, ({ url }) => withoutHash(url));
  const fired = {};
  for (const { method, url, headers, body, time } of arrived) {
    const component = owners.take(withoutHash(url))?.component ?? bidder.roughly(withoutHash(url), body.toString('utf8')) ?? finder.ownerOf(url);
    if (component) fired[component] = (fired[component] ?? 0) + 1;
    lines.push({ what: 'request', t: time, method, url, headers, body_b64: body.length ? body.toString('base64') : '', component });
  }
  lines.push(...sends);
  return { lines: lines.sort((one, other) => one.t - other.t), fired };
}
