/** The pages of the sites: two for each, in seven kinds of look. */
import { cmpAddresses } from '../cmps/index.mjs';
import { IMAGE_HOST, fontAddress } from './hosts.mjs';
import { LOOKS } from './looks.mjs';

const PALETTES = [
  { ink: '#17252f', soft: '#5c6f7b', line: '#dde5e9', accent: '#0b6e75', paper: '#f6f8f9', card: '#ffffff' },
  { ink: '#2a1f1a', soft: '#7d6a5f', line: '#eadfd6', accent: '#b4532a', paper: '#fbf7f2', card: '#ffffff' },
  { ink: '#1b1d2e', soft: '#666a86', line: '#dfe1ee', accent: '#4338ca', paper: '#f7f7fc', card: '#ffffff' },
  { ink: '#182418', soft: '#5f705e', line: '#dbe5d9', accent: '#2f6f3e', paper: '#f5f8f3', card: '#ffffff' },
  { ink: '#26161f', soft: '#7a6170', line: '#ecdde5', accent: '#a81f5c', paper: '#fcf7fa', card: '#ffffff' },
  { ink: '#101820', soft: '#5a6876', line: '#d9e0e6', accent: '#0b5cad', paper: '#f4f7fa', card: '#ffffff' },
];

const BASE = `* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.55 var(--body); color: var(--ink); background: var(--paper); }
img { display: block; width: 100%; object-fit: cover; }
a { color: inherit; text-decoration: none; }
h1, h2, h3 { font-family: var(--head); line-height: 1.2; margin: 0 0 10px; }
.wrap { max-width: 1140px; margin: 0 auto; padding: 0 24px; }
.top { display: flex; gap: 26px; align-items: center; padding-block: 18px; }
.top .brand { font: 700 24px/1 var(--head); margin-right: auto; }
.top a { color: var(--soft); font-size: 15px; }
.top a#next { color: #fff; background: var(--accent); padding: 9px 16px; border-radius: var(--round); }
.lead { color: var(--soft); font-size: 18px; max-width: 62ch; margin: 0 0 26px; }
.panel { background: var(--card); border: 1px solid var(--line); border-radius: var(--round); padding: 22px 24px; margin-bottom: 22px; }
.panel h2 { font-size: 20px; }
.fields { display: grid; gap: 10px; max-width: 420px; }
.panel input { font: inherit; padding: 10px 12px; border: 1px solid var(--line); border-radius: var(--round); width: 100%; background: #fff; }
button.act { font: inherit; font-weight: 600; padding: 10px 18px; border: 0; border-radius: var(--round); background: var(--accent); color: #fff; cursor: pointer; }
.row { display: flex; gap: 10px; max-width: 520px; }
.row button { white-space: nowrap; }
.two { display: grid; grid-template-columns: 1fr 1fr; gap: 22px; align-items: start; }
[data-ads] { display: flex; flex-wrap: wrap; gap: 8px; margin: 30px 0; max-height: 560px; overflow: hidden; }
.ad { background: #e9edf0; border: 1px dashed #c5ced5; }
.foot { border-top: 1px solid var(--line); margin-top: 50px; padding-block: 26px 60px; color: var(--soft); font-size: 14px; display: flex; gap: 22px; }
.foot button { font: inherit; color: var(--soft); background: none; border: 0; padding: 0; text-decoration: underline; cursor: pointer; }
`;

const number = (text) => [...text].reduce((sum, char) => (sum * 31 + char.codePointAt(0)) % 100003, 7);

/** The style sheet of one site: its look in its colours. */
export function styleSheet(site) {
  const look = LOOKS[site.theme];
  const colours = Object.entries(PALETTES[number(site.site) % PALETTES.length]).map(([name, value]) => `--${name}: ${value};`).join(' ');
  const faces = [400, 700].map((weight) => (
    `@font-face { font-family: ${look.font.name}; src: url("${fontAddress(look.font, weight)}") format("woff2"); font-weight: ${weight}; }`)).join('\n');
  return `${faces}\n:root { ${colours} --round: ${look.round}px; --body: ${look.body}; --head: ${look.head}; }\n${BASE}${look.style}`;
}

const pictures = (site) => (kind, name) => `https://${IMAGE_HOST}/${site.site}/${kind}/${name}.svg`;

function account({ noun, near }) {
  return `<h1>Your ${noun}</h1><p class="lead">Sign in to go on. We send no newsletter.</p>
<div class="two"><form id="sign-in" class="panel"><h2>Sign in</h2><div class="fields">
<input name="name" placeholder="Your name" autocomplete="off" required><input name="email" type="email" placeholder="you@example.com" autocomplete="off" required>
<input name="phone" type="tel" placeholder="Telephone" autocomplete="off" required><button class="act">Sign in</button></div>
<p id="account-state">You are not signed in.</p></form>
<div><form id="search" class="panel"><h2>Search</h2><div class="row"><input name="q" placeholder="What are you looking for?" autocomplete="off" required>
<button class="act">Search</button></div><ul id="results"></ul></form>
<div class="panel"><h2>${near}</h2><button type="button" class="act" id="near-me">Near me</button><p id="place"></p></div></div></div>`;
}

/** Returns the HTML of one page, or null where the site has no such page. */
export function page(site, path, region) {
  if (path !== '/' && path !== site.second) return null;
  const look = LOOKS[site.theme];
  const body = path === '/' ? look.home({ title: site.title, picture: pictures(site), pick: number(site.site) }) : account(look);
  const { styles, scripts } = site.cmp ? cmpAddresses(site.cmp, site.site) : { styles: [], scripts: [] };
  const label = region === 'EU' ? 'Privacy settings' : 'Do not sell or share my personal information';
  const all = [...(site.security ? [site.security.script] : []), ...scripts, '/assets/site.js'];
  return `<!doctype html>
<html lang="en" data-region="${region}">
<head>
<meta charset="utf-8">
<title>${site.title}</title>
<meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,">
${[...styles, '/assets/site.css'].map((address) => `<link rel="stylesheet" href="${address}">`).join('\n')}
${all.map((address) => `<script defer src="${address}"></script>`).join('\n')}
</head>
<body class="${site.theme}">
<header class="wrap top"><span class="brand">${site.title.replace('&', '&amp;')}</span>${look.links.map((name) => `<a href="/">${name}</a>`).join('')}
<a id="next" href="${site.second}">${look.enter}</a></header>
<main class="wrap">${body}${site.bidders ? '<div data-ads></div>' : ''}</main>
<footer class="wrap foot"><span>${site.title.replace('&', '&amp;')}, a site that exists only for tests.</span>
${site.cmp ? `<button type="button" id="privacy-settings">${label}</button>` : ''}</footer>
</body>
</html>
`;
}
