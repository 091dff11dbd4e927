/** Prints LICENSES.md: each installed package, its version and its licence, from package-lock.json. */
import { readFileSync } from 'node:fs';

const OSI = [
  '0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT', 'MPL-2.0', 'OFL-1.1', 'Python-2.0', 'Unlicense',
];
const DATA = ['CC-BY-4.0']; // of tables such as which browser knows what; no code is under it
const TEXTS = { // a licence told by the first sentence of its text
  MIT: /Permission is hereby granted, free of charge, to any person obtaining/,
  Unlicense: /This is free and unencumbered software released into the public domain/,
};
const { packages } = JSON.parse(readFileSync(new URL('package-lock.json', import.meta.url), 'utf8'));
const direct = new Set(Object.keys(packages[''].dependencies));

/** The licence itself, read from the installed package where the lock file has none or only points to a file. */
function stated(path, license) {
  const read = (file) => readFileSync(new URL(`${path}/${file}`, import.meta.url), 'utf8');
  if (license === undefined) return JSON.parse(read('package.json')).licenses?.map(({ type }) => type).join(' OR ') || 'none stated';
  const file = license.match(/^SEE LICENSE IN ([\w.-]+)$/)?.[1];
  if (!file) return license;
  const text = read(file).replace(/\s+/g, ' ');
  return Object.keys(TEXTS).find((name) => TEXTS[name].test(text)) ?? license;
}

const rows = Object.entries(packages)
  .filter(([path]) => path !== '')
  .map(([path, { name: alias, version, license }]) => {
    const at = path.lastIndexOf('node_modules/');
    const folder = path.slice(at + 'node_modules/'.length);
    return { name: alias ?? folder, chosen: at === 0 && direct.has(folder), version, license: stated(path, license) };
  });

/** An expression of SPDX names holds where all of an AND and one of an OR is known to be approved by the OSI, or one for data. */
const approved = (expression) => expression.replace(/[()]/g, '').split(' OR ')
  .some((part) => part.split(' AND ').every((name) => OSI.includes(name) || DATA.includes(name)));
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

${table(rows.filter(({ chosen }) => chosen))}

## What they bring along

${table(uniqueLines(rows.filter(({ chosen }) => !chosen)))}`);
