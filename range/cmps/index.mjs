/** The consent managers of the range: which there are, what a page loads for one, and its script for one site. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { onJsdelivr } from './_consent.mjs';
import * as cookieconsent from './cookieconsent.mjs';
import * as gpp from './gpp.mjs';
import * as klaro from './klaro.mjs';
import * as tarteaucitronjs from './tarteaucitronjs.mjs';
import * as tcf from './tcf.mjs';
import * as vanilla from './vanilla-cookieconsent.mjs';

const PARTS = [cookieconsent, gpp, klaro, tarteaucitronjs, tcf, vanilla];
const here = fileURLToPath(new URL('.', import.meta.url));

export const listCmps = () => PARTS.map(({ about }) => about);

/** The driver's side of a consent manager: {about, act(page, choice), read(page)}; choice is all, necessary, analytics or withdraw. */
export function cmpNamed(name) {
  const part = PARTS.find(({ about }) => about.cmp === name);
  if (!part) throw new Error(`no consent manager is called ${name}. There are: ${PARTS.map(({ about }) => about.cmp).join(', ')}.`);
  return part;
}

function packageFile(about, file) {
  const { version } = JSON.parse(readFileSync(new URL(`../node_modules/${about.package}/package.json`, import.meta.url), 'utf8'));
  return onJsdelivr(about.package, version, file);
}

/** What a page of this site loads, in order: {styles, scripts}; the last script is the one of buildCmp. */
export function cmpAddresses(name, site) {
  const { about } = cmpNamed(name);
  const { script, style } = about.files ?? {};
  const own = about.bundle ? `${about.bundle}/${site}.js` : `https://${site}/assets/consent.js`;
  return {
    styles: style ? [packageFile(about, style)] : [],
    scripts: [...(script ? [packageFile(about, script)] : []), own],
  };
}

/**
 * Builds the script that starts the consent manager on one site.
 * @param config {site, faults, words, vendors?, layout?, position?, record?}: record is the address of the consent record call.
 */
export async function buildCmp(name, config) {
  const contents = `import { init } from './${name}.mjs';
const { region } = document.documentElement.dataset;
window.rangeConsentReady = init({ ...${JSON.stringify(config)}, region });`;
  const result = await build({
    stdin: { contents, resolveDir: here, sourcefile: 'consent.js' },
    bundle: true, write: false, format: 'iife', target: 'es2022', treeShaking: true, logLevel: 'silent',
    define: { 'process.env.NODE_ENV': '"production"' },
  });
  return result.outputFiles[0].text;
}
