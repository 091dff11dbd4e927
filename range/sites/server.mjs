/** The origin server: one TLS server on loopback that answers for every host. Each visit under way has an instance of its own. */
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { generate } from 'selfsigned';
import { answerTo } from '../sdks/index.mjs';
import { IMAGE_HOST } from './hosts.mjs';
import { page, styleSheet } from './pages.mjs';
import { picture } from './pictures.mjs';

const PACKAGES = new URL('../node_modules/', import.meta.url);
const PIXEL = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');
const MIME = { css: 'text/css', js: 'text/javascript', svg: 'image/svg+xml', woff2: 'font/woff2' };
const YEAR = 31536000;
const CERTIFICATE = { keySize: 2048 };
let certificate;

const send = (response, status, type, body, headers = {}) => {
  response.writeHead(status, type ? { 'content-type': type, ...headers } : headers);
  response.end(body);
};
const sendJson = (response, value, headers) => send(response, 200, 'application/json', JSON.stringify(value), headers);

/** Necessary cookies of a first page: the session, the token against forged forms, and in a shop the basket. */
function firstCookies({ theme }, request) {
  if (request.headers.cookie?.includes('session_id=')) return [];
  const basket = theme === 'shop' ? [`basket=${randomUUID()}; Path=/; Max-Age=604800; Secure; SameSite=Lax`] : [];
  return [
    `session_id=${randomUUID()}; Path=/; HttpOnly; Secure; SameSite=Lax`, `csrf_token=${randomUUID()}; Path=/; Secure; SameSite=Strict`, ...basket,
  ];
}

/** The site's own doors: they give out the planted ids of the visit. */
function answerApi(path, values, response) {
  switch (path) {
    case '/api/login': return sendJson(response, { signed_in: true, user_id: values.user_id });
    case '/api/search': return sendJson(response, { titles: ['The lighthouse keeper', 'Lighthouses of the west', 'A light at sea'] });
    case '/api/near': return sendJson(response, { place: 'Harbour Street 12, open until eight' });
    case '/api/visitor': return sendJson(response, { visitor_id: values.visitor_id, shared_id: values.shared_id }, {
      'set-cookie': `visitor_id=${values.visitor_id}; Path=/; Max-Age=${YEAR}; Secure; SameSite=Lax`,
    });
    default: return send(response, 404, 'text/plain', 'no such door');
  }
}

function answerSite(site, path, { region, values }, request, response) {
  if (path === '/assets/site.css') return send(response, 200, MIME.css, styleSheet(site));
  if (path.startsWith('/api/')) return answerApi(path, values, response);
  const html = page(site, path, region);
  if (html === null) return send(response, 404, 'text/plain', 'no such page');
  return send(response, 200, 'text/html; charset=utf-8', html, { 'set-cookie': firstCookies(site, request) });
}

/** jsDelivr serves the files of npm packages; so does this, from the installed ones. */
function answerPackageFile(path, response) {
  const [, name, file] = path.match(/^\/npm\/((?:@[\w-]+\/)?[\w.-]+)@[\w.-]+\/([\w./-]+)$/) ?? [];
  const address = name && !file.includes('..') ? new URL(`${name}/${file}`, PACKAGES) : null;
  if (!address || !existsSync(address)) return send(response, 404, 'text/plain', 'no such file');
  return send(response, 200, MIME[file.split('.').pop()] ?? 'text/plain', readFileSync(address), {
    'access-control-allow-origin': '*', 'cache-control': `public, max-age=${YEAR}`,
  });
}

function corsFor(request) {
  return {
    'access-control-allow-origin': request.headers.origin ?? '*',
    'access-control-allow-credentials': 'true',
    'access-control-allow-headers': request.headers['access-control-request-headers'] ?? 'content-type',
    'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE, OPTIONS',
  };
}

/** An SDK's server gives the answer that the SDK needs; everybody else accepts what is sent and has nothing to say. */
function answerVendor(host, path, request, response) {
  const cors = corsFor(request);
  if (request.method === 'OPTIONS') return send(response, 204, null, null, cors);
  const answer = answerTo(host, path);
  if (answer) return send(response, 200, answer.type, answer.body, cors);
  switch (request.headers['sec-fetch-dest']) {
    case 'image': return send(response, 200, 'image/gif', PIXEL, cors);
    case 'script': return send(response, 200, MIME.js, '', cors);
    case 'style': return send(response, 200, MIME.css, '', cors);
    case 'iframe': return send(response, 200, 'text/html', '<!doctype html><title>sync</title>', cors);
    default: return send(response, 200, 'application/json', '{}', cors);
  }
}

/** The vendor behind a name or a path of the site: {host, path} as the vendor would see it, or null. */
function behind(site, host, path) {
  if (site?.cnames[host]) return { host: site.cnames[host][0], path };
  const relay = host === site?.site && site.relays.find((one) => path.startsWith(`${one.path}/`));
  return relay ? { host: relay.recipient, path: path.slice(relay.path.length) } : null;
}

/**
 * Starts one instance.
 * @param port 0: any free one.
 * @param sites entries of the catalogue.
 * @param scripts Map from script address to text, see scripts.mjs.
 * @returns {port, seen, visit, close}: seen lists what arrived in the current visit as {method, url, headers, body, time};
 *   visit({site, region, profile}) empties it and says who comes next; profile.values are the planted ones.
 */
export async function startServer({ port = 0, sites, scripts }) {
  certificate ??= generate([{ name: 'commonName', value: 'range.test' }], CERTIFICATE);
  const { private: key, cert } = await certificate;
  const bySite = new Map(sites.map((site) => [site.site, site]));
  const state = { site: null, region: 'EU', values: {}, seen: [] };
  const server = createServer({ key, cert }, async (request, response) => {
    const host = request.headers.host.split(':')[0];
    const url = `https://${host}${request.url}`;
    const path = request.url.split('?')[0];
    const time = Date.now() / 1000;
    const { seen } = state;
    const chunks = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      return; // the browser gave the upload up; it is not a request that was made
    }
    seen.push({ method: request.method, url, headers: request.headers, body: Buffer.concat(chunks), time });
    const script = scripts.get(`https://${host}${path}`);
    const moved = behind(state.site, host, path);
    if (script !== undefined) send(response, 200, MIME.js, script, { 'access-control-allow-origin': '*' });
    else if (moved) answerVendor(moved.host, moved.path, request, response);
    else if (bySite.has(host)) answerSite(bySite.get(host), path, state, request, response);
    else if (host === 'cdn.jsdelivr.net' && path.startsWith('/npm/')) answerPackageFile(path, response);
    else if (host === IMAGE_HOST) send(response, 200, MIME.svg, picture(path) ?? '', { 'cache-control': `public, max-age=${YEAR}` });
    else answerVendor(host, path, request, response);
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  return {
    port: server.address().port,
    get seen() { return state.seen; },
    visit({ site, region, profile }) {
      if (!bySite.has(site)) throw new Error(`the server does not know the site ${site}`);
      Object.assign(state, { site: bySite.get(site), region, values: profile?.values ?? {}, seen: [] });
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
