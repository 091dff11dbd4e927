/** One TLS server on loopback that answers every host name: the sites, the script hosts, and whatever else is asked. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { generate } from 'selfsigned';
import { person } from './planted.mjs';
import { SITES, page } from './sites.mjs';

const here = new URL('.', import.meta.url);
const PIXEL = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');
const MIME = { css: 'text/css', js: 'text/javascript', woff2: 'font/woff2' };
const YEAR = 31536000;

const send = (response, status, type, body, headers = {}) => {
  response.writeHead(status, type ? { 'content-type': type, ...headers } : headers);
  response.end(body);
};

/** What a site sets of its own accord: a session, and on the shop (wrongly, before any choice) a visitor id for a year. */
function firstVisitCookies(site, request) {
  if (request.headers.cookie?.includes('session')) return [];
  const session = `session_id=${randomUUID()}; Path=/; HttpOnly; Secure; SameSite=Lax`;
  if (site === 'shop.test') return [session, `shop_vid=${person.visitorId}; Path=/; Max-Age=${YEAR}; Secure; SameSite=Lax`];
  return [session, `csrf_token=${randomUUID()}; Path=/; Secure; SameSite=Strict`];
}

function answerSite(site, path, region, request, response) {
  if (path === '/assets/site.css') return send(response, 200, MIME.css, readFileSync(new URL('client/site.css', here)));
  if (path === '/api/login') return send(response, 200, 'application/json', '{"signed_in":true}');
  if (path === '/api/search') return send(response, 200, 'application/json', '{"titles":["Sea charts","The lighthouse"]}');
  const html = page(site, path, region);
  if (html === null) return send(response, 404, 'text/plain', 'no such page');
  return send(response, 200, 'text/html; charset=utf-8', html, { 'set-cookie': firstVisitCookies(site, request) });
}

/** jsDelivr serves the files of npm packages; so does this, from the installed ones. */
function answerPackageFile(path, response) {
  const [, name, file] = path.match(/^\/npm\/((?:@[\w-]+\/)?[\w.-]+)@[\w.-]+\/([\w./-]+)$/) ?? [];
  if (!name || file.includes('..')) return send(response, 404, 'text/plain', 'no such file');
  const body = readFileSync(new URL(`node_modules/${name}/${file}`, here));
  return send(response, 200, MIME[file.split('.').pop()] ?? 'text/plain', body, {
    'access-control-allow-origin': '*', 'cache-control': 'public, max-age=31536000',
  });
}

/** Everybody else accepts what is sent and has nothing to say: no bid, no experiment, an empty pixel. */
function answerElsewhere(request, response) {
  const cors = {
    'access-control-allow-origin': request.headers.origin ?? '*',
    'access-control-allow-credentials': 'true',
    'access-control-allow-headers': request.headers['access-control-request-headers'] ?? 'content-type',
    'access-control-allow-methods': 'GET, POST, PUT, OPTIONS',
  };
  if (request.method === 'OPTIONS') return send(response, 204, null, null, cors);
  switch (request.headers['sec-fetch-dest']) {
    case 'image': return send(response, 200, 'image/gif', PIXEL, cors);
    case 'script': return send(response, 200, MIME.js, '', cors);
    case 'iframe': return send(response, 200, 'text/html', '<!doctype html><title>sync</title>', cors);
    default: return send(response, 200, 'application/json', '{}', cors);
  }
}

/**
 * Starts the server.
 * @param scripts Map from script address to JavaScript text.
 * @returns {port, seen, visit, close}: seen lists each request of the current visit as {method, url, headers, body, time};
 *   visit(region) empties it and says from which region the next visitor comes.
 */
export async function startServer(scripts) {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'range.test' }], { keySize: 2048 });
  const state = { region: 'EU', seen: [] };
  const server = createServer({ key, cert }, async (request, response) => {
    const host = request.headers.host.split(':')[0];
    const url = `https://${host}${request.url}`;
    const path = request.url.split('?')[0];
    const time = Date.now() / 1000;
    const chunks = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      return; // the browser gave the upload up; it is not a request that was made
    }
    state.seen.push({ method: request.method, url, headers: request.headers, body: Buffer.concat(chunks), time });
    const script = scripts.get(`https://${host}${path}`);
    if (script !== undefined) send(response, 200, MIME.js, script, { 'access-control-allow-origin': '*' });
    else if (host in SITES) answerSite(host, path, state.region, request, response);
    else if (host === 'cdn.jsdelivr.net') answerPackageFile(path, response);
    else answerElsewhere(request, response);
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return {
    port: server.address().port,
    get seen() { return state.seen; },
    visit(region) { state.region = region; state.seen = []; },
    close() { server.closeAllConnections(); return new Promise((resolve) => server.close(resolve)); },
  };
}
