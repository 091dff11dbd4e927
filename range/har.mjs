/** Writes captured requests as HAR 1.2, in the form Chrome DevTools gives its own exports. */

const pairs = (headers) => Object.entries(headers ?? {})
  .flatMap(([name, value]) => String(value).split('\n').map((line) => ({ name, value: line })));
const find = (headers, name) => headers.find((header) => header.name.toLowerCase() === name)?.value;
const iso = (wallSeconds) => new Date(wallSeconds * 1000).toISOString();
const round = (milliseconds) => Math.round(milliseconds * 1000) / 1000;

function requestCookies(headers) {
  return headers
    .filter(({ name }) => name.toLowerCase() === 'cookie')
    .flatMap(({ value }) => value.split(/;\s*/))
    .map((text) => ({ name: text.slice(0, text.indexOf('=')), value: text.slice(text.indexOf('=') + 1) }));
}

function responseCookies(headers) {
  return headers.filter(({ name }) => name.toLowerCase() === 'set-cookie').map(({ value }) => {
    const [pair, ...attributes] = value.split(/;\s*/);
    const cookie = { name: pair.slice(0, pair.indexOf('=')), value: pair.slice(pair.indexOf('=') + 1) };
    for (const attribute of attributes) {
      const [name, text] = attribute.split('=');
      if (/^path$/i.test(name)) cookie.path = text;
      else if (/^domain$/i.test(name)) cookie.domain = text;
      else if (/^httponly$/i.test(name)) cookie.httpOnly = true;
      else if (/^secure$/i.test(name)) cookie.secure = true;
      else if (/^samesite$/i.test(name)) cookie.sameSite = text;
    }
    return cookie;
  });
}

/** A body that is not UTF-8 text is given as base64 and says so; HAR 1.2 has no field for it, hence the underscore. */
function postData(body, headers) {
  const mimeType = find(headers, 'content-type') ?? '';
  const text = body.toString('utf8');
  if (!Buffer.from(text, 'utf8').equals(body)) return { mimeType, text: body.toString('base64'), _encoding: 'base64' };
  if (!mimeType.startsWith('application/x-www-form-urlencoded')) return { mimeType, text };
  return { mimeType, text, params: [...new URLSearchParams(text)].map(([name, value]) => ({ name, value })) };
}

function timings(hop) {
  const total = Math.max(0, ((hop.ended ?? hop.timestamp) - hop.timestamp) * 1000);
  const t = hop.response?.timing;
  if (!t || hop.fromCache || t.sendStart < 0) {
    return { blocked: -1, dns: -1, connect: -1, ssl: -1, send: 0, wait: round(total), receive: 0 };
  }
  const span = (from, to) => (from >= 0 && to >= from ? round(to - from) : -1);
  const before = Math.max(0, (t.requestTime - hop.timestamp) * 1000);
  const firstStep = [t.dnsStart, t.connectStart, t.sendStart].find((step) => step >= 0);
  const receive = total - before - t.receiveHeadersEnd;
  return {
    blocked: round(before + firstStep), dns: span(t.dnsStart, t.dnsEnd), connect: span(t.connectStart, t.connectEnd),
    ssl: span(t.sslStart, t.sslEnd), send: round(t.sendEnd - t.sendStart), wait: round(t.receiveHeadersEnd - t.sendEnd),
    receive: round(Math.max(0, receive)),
  };
}

/** One HAR entry of one hop; the response body is left out, its size and type are kept. */
export function entry(hop) {
  const { request, response } = hop;
  const sent = pairs(hop.sentHeaders ?? response?.requestHeaders ?? request.headers).filter(({ name }) => !name.startsWith(':'));
  const got = pairs(hop.gotHeaders?.headers ?? response?.headers);
  const version = { 'http/1.1': 'HTTP/1.1', h2: 'h2' }[response?.protocol] ?? 'HTTP/1.1';
  const times = timings(hop);
  const url = request.url + (request.urlFragment ?? '');
  return {
    _initiator: hop.initiator,
    _priority: request.initialPriority,
    _resourceType: hop.type.toLowerCase(),
    ...(hop.fromCache || response?.fromDiskCache ? { _fromCache: hop.fromCache ?? 'disk' } : {}),
    ...(hop.source ? { _source: hop.source } : {}),
    pageref: `page_${hop.page}`,
    startedDateTime: iso(hop.wallTime),
    time: round(Object.entries(times).reduce((sum, [name, value]) => sum + (name === 'ssl' ? 0 : Math.max(0, value)), 0)),
    request: {
      method: request.method, url, httpVersion: version, headers: sent,
      queryString: [...new URL(url).searchParams].map(([name, value]) => ({ name, value })),
      cookies: requestCookies(sent), headersSize: -1, bodySize: hop.body?.length ?? 0,
      ...(hop.body?.length ? { postData: postData(hop.body, sent) } : {}),
    },
    response: {
      status: hop.gotHeaders?.statusCode ?? response?.status ?? 0, statusText: response?.statusText ?? '', httpVersion: version,
      headers: got, cookies: responseCookies(got),
      content: { size: hop.received, mimeType: response?.mimeType || 'x-unknown' },
      redirectURL: find(got, 'location') ?? '', headersSize: -1, bodySize: response ? -1 : 0,
      _transferSize: hop.encoded, _error: hop.error ?? null,
    },
    cache: {},
    timings: times,
  };
}

/** The whole archive; extra becomes the vendor field `_consentinel` of the log. */
export function archive({ hops, pages, browser, extra }) {
  return {
    log: {
      version: '1.2',
      creator: { name: 'consentinel-range', version: '0.1.0' },
      browser,
      pages: pages.map((page, index) => ({
        id: `page_${index + 1}`, title: page.url, startedDateTime: iso(page.wallTime),
        pageTimings: {
          onContentLoad: page.domReady ? round((page.domReady - page.timestamp) * 1000) : -1,
          onLoad: page.loaded ? round((page.loaded - page.timestamp) * 1000) : -1,
        },
      })),
      entries: hops.map(entry),
      _consentinel: extra,
    },
  };
}
