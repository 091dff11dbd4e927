/** Listens to one page over the Chrome DevTools Protocol and keeps what is needed for a HAR: every request, hop by hop. */
import { readFileSync } from 'node:fs';

const HOOKS = readFileSync(new URL('hooks.js', import.meta.url), 'utf8');
const ASYNC_STACK_DEPTH = 4;
const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Post data as bytes, or null where the browser does not hand it out (some blobs). */
function postBytes(request) {
  const entries = request.postDataEntries ?? [];
  if (entries.length && entries.every(({ bytes }) => bytes)) {
    return Buffer.concat(entries.map(({ bytes }) => Buffer.from(bytes, 'base64')));
  }
  if (request.postData !== undefined) return Buffer.from(request.postData, 'utf8');
  return null;
}

/**
 * Starts to listen.
 * @param session a CDP session of the page (playwright-core).
 * @returns {hops, pages, notes, settle, stop}: hops are requests in the order they were sent, a redirect being a hop of
 *   its own; pages are {url, wallTime, timestamp, domReady, loaded} in seconds; notes are the reports of hooks.js.
 */
export async function startCapture(session) {
  const hops = [];
  const open = new Map(); // requestId -> the hop that is still under way
  const sentHeaders = new Map(); // requestId -> headers as sent, one for each hop
  const gotHeaders = new Map();
  const pages = [];
  const notes = [];
  let lastActivity = Date.now();
  let mainFrame;

  const queue = (map, requestId, value) => map.set(requestId, [...(map.get(requestId) ?? []), value]);
  const finish = (hop, timestamp, outcome) => {
    Object.assign(hop, outcome, { ended: timestamp });
    open.delete(hop.requestId);
    lastActivity = Date.now();
  };

  session.on('Network.requestWillBeSent', (event) => {
    const { requestId, request, timestamp, wallTime, initiator, type, frameId, loaderId } = event;
    lastActivity = Date.now();
    const earlier = open.get(requestId);
    if (earlier && event.redirectResponse) {
      finish(earlier, timestamp, { response: event.redirectResponse, extraInfo: event.redirectHasExtraInfo });
    }
    if (!/^https?:/.test(request.url)) return;
    const hop = { requestId, request, timestamp, wallTime, initiator, type, received: 0, encoded: 0, page: pages.length };
    if (type === 'Document' && frameId === mainFrame && requestId === loaderId) {
      pages.push({ url: request.url, timestamp, wallTime });
      hop.page = pages.length;
    }
    hops.push(hop);
    open.set(requestId, hop);
    if (request.hasPostData) hop.body = postBytes(request);
  });
  session.on('Network.requestWillBeSentExtraInfo', ({ requestId, headers }) => queue(sentHeaders, requestId, headers));
  session.on('Network.responseReceivedExtraInfo', (event) => queue(gotHeaders, event.requestId, event));
  session.on('Network.requestServedFromCache', ({ requestId }) => {
    const hop = open.get(requestId);
    if (hop) hop.fromCache = 'memory';
  });
  session.on('Network.responseReceived', ({ requestId, response, hasExtraInfo }) => {
    const hop = open.get(requestId);
    if (hop) Object.assign(hop, { response, extraInfo: hasExtraInfo });
  });
  session.on('Network.dataReceived', ({ requestId, dataLength }) => {
    const hop = open.get(requestId);
    if (hop) hop.received += dataLength;
  });
  session.on('Network.loadingFinished', ({ requestId, timestamp, encodedDataLength }) => {
    const hop = open.get(requestId);
    if (hop) finish(hop, timestamp, { encoded: encodedDataLength });
  });
  session.on('Network.loadingFailed', ({ requestId, timestamp, errorText, canceled, blockedReason }) => {
    const hop = open.get(requestId);
    if (hop) finish(hop, timestamp, { error: canceled ? 'canceled' : blockedReason ? `blocked: ${blockedReason}` : errorText });
  });
  session.on('Page.domContentEventFired', ({ timestamp }) => { if (pages.length) pages.at(-1).domReady ??= timestamp; });
  session.on('Page.loadEventFired', ({ timestamp }) => { if (pages.length) pages.at(-1).loaded ??= timestamp; });
  session.on('Runtime.bindingCalled', ({ name, payload }) => { if (name === '__record') notes.push(JSON.parse(payload)); });

  await session.send('Network.enable', { maxPostDataSize: 8 * 2 ** 20 });
  await session.send('Debugger.enable');
  await session.send('Debugger.setSkipAllPauses', { skip: true });
  await session.send('Debugger.setAsyncCallStackDepth', { maxDepth: ASYNC_STACK_DEPTH });
  await session.send('Runtime.enable');
  await session.send('Runtime.addBinding', { name: '__record' });
  await session.send('Page.enable');
  await session.send('Page.addScriptToEvaluateOnNewDocument', { source: HOOKS });
  mainFrame = (await session.send('Page.getFrameTree')).frameTree.frame.id;

  return {
    hops,
    pages,
    notes,
    /** Waits until nothing was sent or finished for `quiet` ms, at least `least` and at most `most` ms in all. */
    async settle({ least = 3000, quiet = 1500, most = 9000 } = {}) {
      const start = Date.now();
      while (Date.now() - start < most) {
        await wait(100);
        if (Date.now() - start >= least && Date.now() - lastActivity >= quiet) return;
      }
    },
    /** Ends listening and gives each hop the headers that really travelled. */
    async stop() {
      for (const hop of hops) {
        const sent = sentHeaders.get(hop.requestId) ?? [];
        const got = gotHeaders.get(hop.requestId) ?? [];
        if (hop.extraInfo === false || (hop.response === undefined && sent.length === 0)) continue;
        hop.sentHeaders = sent.shift();
        hop.gotHeaders = got.shift();
      }
      await session.detach();
    },
  };
}

/** Calls of device APIs as the hooks tell them in their notes, equal ones counted. */
export function countCalls(notes) {
  const calls = new Map();
  for (const { what, time, ...call } of notes) {
    if (what !== 'call') continue;
    const key = JSON.stringify(call);
    const seen = calls.get(key);
    if (seen) seen.n += 1;
    else calls.set(key, { time, ...call, n: 1 });
  }
  return [...calls.values()];
}
