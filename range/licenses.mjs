/** Prints LICENSES.md: each installed package, its version and its licence, from package-lock.json. */
import { readFileSync } from 'node:fs';

const OSI = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT', 'MPL-2.0', 'OFL-1.1'];
const { packages } = JSON.parse(readFileSync(new URL('package-lock.json', import.meta.url), 'utf8'));
const direct = new Set(Object.keys(packages[''].dependencies));
const rows = Object.entries(packages)
  .filter(([path]) => path !== '')
  .map(([path, { version, license = 'none stated' }]) => {
    const at = path.lastIndexOf('node_modules/');
    return { name: path.slice(at + 'node_modules/'.length), nested: at > 0, version, license };
  });

/** An expression of SPDX names holds where all of an AND and one of an OR is known to be approved by the OSI. */
const approved = (expression) => expression.replace(/[()]/g, '').split(' OR ')
  .some((part) => part.split(' AND ').every((name) => OSI.includes(name)));
const refused = rows.filter(({ license }) => !approved(license));
if (refused.length) {
  console.error(`licenses: not approved by the OSI: ${refused.map(({ name, license }) => `${name} (${license})`).join(', ')}`);
  process.exitCode = 1;
}

const line = ({ name, version, license }) => `| ${name} | ${version} | ${license} |`;
const table = (chosen) => ['| package | version | licence |', '|---|---|---|', ...chosen.map(line)].join('\n');
const uniqueLines = (chosen) => [...new Map(chosen.map((row) => [line(row), row])).values()];
console.log(`# Licences of the packages that the range runs

The range installs these from npm to run them. None of them, and no bundle of them, is part of this repository; the
recordings hold the requests they made, not their code. Written by \`npm run --silent licenses > LICENSES.md\`.

## Chosen by us

${table(rows.filter(({ name, nested }) => direct.has(name) && !nested))}

## What they bring along

${table(uniqueLines(rows.filter(({ name, nested }) => !direct.has(name) || nested)))}`);
