/** Serves the range to look at by hand: builds the scripts, starts the server and, where there is a screen, a browser. See USAGE. */
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { findChromium } from '../browser.mjs';
import { listSites, siteNamed } from './catalogue.mjs';
import { buildScripts } from './scripts.mjs';
import { startServer } from './server.mjs';

const USAGE = `node sites/serve.mjs [--site x.test] [--region EU|US-CA] [--port N] [--shot FILE] [--open]
  --site x.test     one site (default: list them)
  --region          where the visitor is from (default: EU)
  --port N          default: 8443
  --shot FILE       keep a picture of the first page and end
  --open            start Chromium with a window
Without --shot and --open the server runs until Ctrl-C; any Chromium started with the printed switches shows the site.`;
const PERSON = { user_id: 'u-1001', visitor_id: '11111111-1111-4111-8111-111111111111', shared_id: '22222222-2222-4222-8222-222222222222' };
const VIEWPORT = { width: 1366, height: 860 };

async function look({ url, switches, shot }) {
  const browser = await chromium.launch({ executablePath: findChromium(), args: switches, headless: Boolean(shot) });
  const page = await browser.newPage({ viewport: shot ? VIEWPORT : null });
  await page.goto(url);
  if (!shot) return page.waitForEvent('close', { timeout: 0 }).then(() => browser.close());
  await page.waitForTimeout(2500);
  await page.screenshot({ path: shot });
  return browser.close();
}

async function main() {
  const text = { type: 'string' };
  const flag = { type: 'boolean' };
  const { values } = parseArgs({ options: { site: text, region: text, port: text, shot: text, open: flag, help: flag } });
  if (values.help) return console.log(USAGE);
  if (!values.site) {
    for (const { site, group, kind, title, cmp, faults } of listSites()) {
      console.log([site.padEnd(24), group.padEnd(6), kind.padEnd(6), (cmp ?? 'none').padEnd(22), title.padEnd(20), faults.join(', ')].join(' '));
    }
    return console.log(`\n${USAGE}`);
  }
  const site = siteNamed(values.site);
  const { scripts } = await buildScripts([site]);
  const server = await startServer({ port: Number(values.port ?? 8443), sites: [site], scripts });
  server.visit({ site: site.site, region: values.region ?? 'EU', profile: { values: PERSON } });
  const switches = [`--host-resolver-rules=MAP * 127.0.0.1:${server.port}`, '--ignore-certificate-errors', '--no-sandbox', '--disable-quic'];
  const url = `https://${site.site}/`;
  console.log(`${url} is served on port ${server.port}:\n  chromium --user-data-dir=/tmp/range ${switches.map((one) => `"${one}"`).join(' ')} ${url}`);
  if (!values.shot && !values.open) return;
  await look({ url, switches, shot: values.shot });
  await server.close();
}

main().catch((error) => {
  const usage = error.code?.startsWith('ERR_PARSE_ARGS');
  console.error(`serve: ${process.env.DEBUG ? error.stack : error.message}${usage ? `\n${USAGE}` : ''}`);
  process.exitCode = 1;
});
