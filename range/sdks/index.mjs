/** The SDKs of the range: lists them, bundles each one unmodified, and knows the answers that they need from their servers. */
import { readdirSync } from 'node:fs';
import { build } from 'esbuild';

const here = new URL('.', import.meta.url);
const NOT_SDKS = new Set(['index.mjs', 'prove.mjs']);
const files = readdirSync(here).filter((name) => name.endsWith('.mjs') && !NOT_SDKS.has(name)).sort();

/** SDKs expect a page, so Node reads the `about` of each file with the SDK itself left out: no file calls its SDK while it loads. */
const WITHOUT_PACKAGES = {
  name: 'without-packages',
  setup(bundler) {
    bundler.onResolve({ filter: /^[^./]/ }, ({ path, kind }) => (kind === 'entry-point' ? null : { path, namespace: 'left-out' }));
    bundler.onLoad({ filter: /.*/, namespace: 'left-out' }, () => ({ contents: 'module.exports = {}' }));
  },
};

async function readAbouts() {
  const contents = files.map((name, i) => `export { about as about${i} } from './${name}';`).join('\n');
  const result = await build({
    stdin: { contents, resolveDir: here.pathname }, bundle: true, write: false, format: 'esm', logLevel: 'silent',
    plugins: [WITHOUT_PACKAGES],
  });
  const module = await import(`data:text/javascript;base64,${Buffer.from(result.outputFiles[0].text).toString('base64')}`);
  return files.map((name, i) => ({ ...module[`about${i}`], file: name }));
}

const abouts = await readAbouts();
const byComponent = new Map(abouts.map((about) => [about.component, about]));
if (byComponent.size !== abouts.length) throw new Error('two files of range/sdks/ name the same component');
const scripts = new Set(abouts.map(({ script }) => script));
if (scripts.size !== abouts.length) throw new Error('two files of range/sdks/ name the same script address');

/** What each file of range/sdks/ says about its SDK: {component, family, package, purpose, hosts, script, answers, file}. */
export function listSdks() {
  return abouts;
}

/** What the server of an SDK answers at this address: {type, body}, or undefined where any empty answer does. */
export function answerTo(host, path) {
  for (const about of abouts) {
    if (!about.hosts.includes(host)) continue;
    const answer = about.answers?.find((one) => (!one.host || one.host === host) && one.path.test(path));
    if (answer) return { type: answer.type, body: answer.body };
  }
  return undefined;
}

/** What the page calls. Calls made before an SDK has started wait for it. */
const ENTRY = (file, component) => `
import * as sdk from './${file}';
let ready;
let out = false;
const later = (name) => sdk[name] && (async (...values) => {
  await ready;
  if (!out) return sdk[name](...values);
  return new Promise((resolve) => { resolve(sdk[name](...values)); }).catch(() => undefined); // some refuse once they are stopped
});
const tag = {
  identify: later('identify'),
  track: later('track'),
  optOut: sdk.optOut && (async () => { await ready; out = true; return sdk.optOut(); }),
  async start({ site, region, told = {} }) {
    ready = Promise.resolve(sdk.start({ site, region, told }));
    await ready;
    const { email, userId, phone, name, ...others } = told;
    if (sdk.identify && (email || userId || phone || name)) await sdk.identify({ email, userId, phone, name });
    if (sdk.track && Object.keys(others).length) await sdk.track('visit', others);
  },
};
window.rangeTags = { ...window.rangeTags, [${JSON.stringify(component)}]: tag };
`;

const built = new Map();

async function bundle({ component, file }) {
  try {
    const result = await build({
      stdin: { contents: ENTRY(file, component), resolveDir: here.pathname }, bundle: true, write: false, format: 'iife', target: 'es2022',
      logLevel: 'silent', define: { 'process.env.NODE_ENV': '"production"', global: 'window' },
    });
    return result.outputFiles[0].text;
  } catch (cause) {
    throw new Error(`the SDK ${component} did not build: ${cause.message}`, { cause });
  }
}

/**
 * Bundles one SDK; each is built once per process.
 * @param component a component of listSdks().
 * @returns {Promise<string>} a script that sets window.rangeTags[component] = {start, identify, track, optOut}; what the SDK has no call
 *   for is undefined.
 */
export function buildSdk(component) {
  const about = byComponent.get(component);
  if (!about) throw new Error(`no SDK of the range is called ${component}: listSdks() names them`);
  if (!built.has(component)) built.set(component, bundle(about));
  return built.get(component);
}
