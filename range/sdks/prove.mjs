/** Proves that each SDK of the range sends: loads it in Chromium against a loopback server and counts what arrives. */
import { createServer } from 'node:https';
import { parseArgs } from 'node:util';
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import lz from 'lz-string';
import { generate } from 'selfsigned';
import { findChromium, launch } from '../browser.mjs';
import { answerTo, buildSdk, listSdks } from './index.mjs';

const SETTLE = 3500; // longer than the longest interval at which an SDK is told to send
const PAGES_AT_ONCE = 3;
const PERSON = { email: 'reader.4c1d7e9a@example.com', userId: 'acct-90b3f52864ad1c0e', phone: '+353861234567', name: 'Robin Example' };
const LATE = 'after_opting_out'; // the event that must not leave
const PIXEL = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');
const PAGE = '<!doctype html><html lang="en"><head><title>Prove</title><link rel="icon" href="data:,"></head>'
  + '<body><h1>Prove</h1><form><input name="q"></form><a href="/next">Next</a></body></html>';

function inflated(bytes) {
  for (const open of [gunzipSync, inflateSync, brotliDecompressSync]) {
    try {
      return open(bytes);
    } catch {
      // not in this compression
    }
  }
  return null;
}

/** Every reading of what was sent: as it is, unpacked, percent-decoded, and the base64 (plain or of lz-string) inside it, three layers deep. */
function* readings(bytes, depth = 3) {
  const plain = inflated(bytes);
  if (plain) yield* readings(plain, depth);
  const text = bytes.toString('utf8');
  yield text;
  if (depth === 0) return;
  if (/%[0-9a-f]{2}/i.test(text)) {
    const unescaped = text.replace(/\+/g, ' ')
      .replace(/(?:%[0-9a-f]{2})+/gi, (run) => Buffer.from(run.replace(/%/g, ''), 'hex').toString('utf8'));
    yield* readings(Buffer.from(unescaped), depth - 1);
  }
  for (const [run] of text.matchAll(/[\w+/-]{24,}={0,2}/g)) {
    yield* readings(Buffer.from(run, 'base64'), depth - 1);
    const packed = lz.decompressFromBase64(run);
    if (packed) yield packed;
  }
}

const holds = (requests, value) => requests.some(({ url, body }) => [Buffer.from(url), body]
  .some((bytes) => [...readings(bytes)].some((text) => text.includes(value))));

async function serve(scripts) {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'range.test' }], { keySize: 2048 });
  const seen = [];
  const server = createServer({ key, cert }, async (request, response) => {
    const host = request.headers.host.split(':')[0];
    const path = request.url.split('?')[0];
    const cors = {
      'access-control-allow-origin': request.headers.origin ?? '*', 'access-control-allow-credentials': 'true',
      'access-control-allow-headers': request.headers['access-control-request-headers'] ?? 'content-type',
      'access-control-allow-methods': 'GET, POST, PUT, OPTIONS',
    };
    const send = (type, body) => response.writeHead(200, { 'content-type': type, ...cors }).end(body);
    if (request.method === 'OPTIONS') return send('text/plain', '');
    if (host.endsWith('.prove.test')) return send('text/html', PAGE);
    const script = scripts.get(`https://${host}${path}`);
    if (script) return send('text/javascript', script);
    const chunks = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      return undefined; // given up by the browser: it did not arrive
    }
    const from = request.headers.origin ?? request.headers.referer ?? '';
    seen.push({ from: from.match(/^https:\/\/(s\d+)\.prove\.test/)?.[1], host, url: request.url, body: Buffer.concat(chunks) });
    const answer = answerTo(host, path);
    if (answer) return send(answer.type, answer.body);
    switch (request.headers['sec-fetch-dest']) {
      case 'image': return send('image/gif', PIXEL);
      case 'script': return send('text/javascript', '');
      case 'iframe': return send('text/html', '<!doctype html><title>frame</title>');
      default: return send('application/json', '{}');
    }
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return { server, seen, port: server.address().port };
}

/** One SDK on its own site: start, sign in, one event, then away to the next page, as some send only then. */
async function visit(browser, { component, script }, origin, { verbose, 'opt-out': optOut }) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  const errors = [];
  page.on('pageerror', (error) => errors.push(error.message.split('\n')[0]));
  if (verbose) page.on('console', (message) => console.log(`  console: ${message.text().slice(0, 300)}`));
  await page.goto(`${origin}/`);
  await page.addScriptTag({ url: script });
  const calls = page.evaluate(async ([name, person]) => {
    const tag = window.rangeTags[name];
    await tag.start({ site: 'prove.test', region: 'EU', told: { visitorId: '1f6d2c7e-9b04-4a51-8c3e-d2b7f1a09e65' } });
    await tag.identify?.(person);
    await tag.track?.('add_to_basket', { item: 'lantern' });
  }, [component, PERSON]).catch((error) => errors.push(error.message.split('\n')[0]));
  const late = new Promise((resolve) => { setTimeout(resolve, 10_000, 'late'); });
  if (await Promise.race([calls, late]) === 'late') errors.push('start, identify or track did not come to an end within 10 s');
  await page.waitForTimeout(SETTLE);
  await page.goto(`${origin}/next`);
  await page.waitForTimeout(700);
  if (optOut) {
    await page.addScriptTag({ url: script });
    await page.evaluate(async ([name, late]) => {
      const tag = window.rangeTags[name];
      if (!tag.optOut) return;
      await tag.start({ site: 'prove.test', region: 'EU' });
      await tag.optOut();
      await new Promise((resolve) => { setTimeout(resolve, 200); });
      await tag.track?.(late, {});
    }, [component, LATE]).catch((error) => errors.push(`after opting out: ${error.message.split('\n')[0]}`));
    await page.waitForTimeout(SETTLE);
  }
  await context.close();
  return errors;
}

const { values } = parseArgs({ options: {
  only: { type: 'string', multiple: true }, verbose: { type: 'boolean' }, 'opt-out': { type: 'boolean' },
} });
const { only, verbose } = values;
const chosen = only ? only.map((name) => listSdks().find(({ component }) => component === name)
  ?? (() => { throw new Error(`no SDK of the range is called ${name}`); })()) : listSdks();
const scripts = new Map(await Promise.all(chosen.map(async ({ component, script }) => [script, await buildSdk(component)])));
const { server, seen, port } = await serve(scripts);
const browser = await launch(findChromium(), port, { locale: 'en-IE', gpc: false });
let failed = 0;
const queue = chosen.map((about, i) => ({ about, key: `s${i}` }));
await Promise.all(Array.from({ length: PAGES_AT_ONCE }, async () => {
  for (let next = queue.shift(); next; next = queue.shift()) {
    const { about, key } = next;
    const errors = await visit(browser, about, `https://${key}.prove.test`, values);
    const requests = seen.filter(({ from }) => from === key);
    if (values['opt-out'] && holds(requests, LATE)) errors.push('sends after opting out');
    const hosts = [...new Set(requests.map(({ host }) => host))].sort();
    const unlisted = hosts.filter((host) => !about.hosts.includes(host));
    const fired = requests.length > 0 && unlisted.length === 0 && errors.length === 0;
    failed += !fired;
    console.log([
      fired ? 'ok  ' : 'FAIL', about.component.padEnd(36), String(requests.length).padStart(3),
      `bytes=${requests.reduce((sum, { url, body }) => sum + url.length + body.length, 0)}`,
      `email=${holds(requests, PERSON.email) ? 'yes' : 'no'}`, `user=${holds(requests, PERSON.userId) ? 'yes' : 'no'}`, hosts.join(' '),
      ...unlisted.map((host) => `UNLISTED ${host}`), ...errors.map((error) => `ERROR ${error}`),
    ].join('  '));
    if (verbose) for (const { host, url, body } of requests) console.log(`  ${host}${url.slice(0, 160)} ${body.subarray(0, 400)}`);
  }
}));
await browser.close();
server.closeAllConnections();
server.close();
const strays = new Set(seen.filter(({ from }) => !from).map(({ host }) => host));
if (strays.size) console.log(`requests that name no page: ${[...strays].join(' ')}`);
console.log(`${chosen.length - failed} of ${chosen.length} SDKs fire; families: ${new Set(chosen.map(({ family }) => family)).size}`);
process.exitCode = failed ? 1 : 0;
