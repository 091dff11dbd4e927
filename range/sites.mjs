/** The pages of the two sites, and the scenarios under which each is visited. */
import { readFileSync } from 'node:fs';

const EUROPE = { region: 'EU', locale: 'en-IE', timezone: 'Europe/Dublin', gpc: false };
const CALIFORNIA = { region: 'US-CA', locale: 'en-US', timezone: 'America/Los_Angeles', gpc: true };

/** choice is the button of the consent dialog that is pressed; null presses none. */
export const SCENARIOS = {
  no_action: { ...EUROPE, choice: null },
  accept: { ...EUROPE, choice: 'all' },
  reject: { ...EUROPE, choice: 'necessary' },
  gpc: { ...CALIFORNIA, choice: null },
};

export const SITES = {
  'shop.test': { scenarios: ['no_action', 'accept', 'reject', 'gpc'], second: '/account', tcf: true },
  'library.test': { scenarios: ['no_action', 'accept', 'reject'], second: '/catalogue', tcf: false },
};

/** The address of an installed package on jsDelivr. */
function onJsdelivr(name) {
  const { version } = JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url), 'utf8'));
  return `https://cdn.jsdelivr.net/npm/${name}@${version}`;
}

const COOKIECONSENT = `${onJsdelivr('vanilla-cookieconsent')}/dist`;
const FONT = `${onJsdelivr('@fontsource/inter')}/files/inter-latin`;

function document({ title, region, head, body }) {
  return `<!doctype html>
<html lang="en" data-region="${region}">
<head>
<meta charset="utf-8">
<title>${title}</title>
<meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/assets/site.css">
<link rel="stylesheet" href="${COOKIECONSENT}/cookieconsent.css">
${head}
</head>
<body>
${body}
</body>
</html>
`;
}

const CARDS = [
  ['Enamel mug', '14', '#9dc6c3, #3f7f86'],
  ['Wool blanket', '89', '#e7c9a0, #b9743f'],
  ['Storm lantern', '46', '#c7cfe0, #54678f'],
  ['Canvas bag', '38', '#d9d3b8, #8b8456'],
  ['Bread knife', '27', '#d5dce0, #7d8d97'],
  ['Oilskin jacket', '164', '#e9d27c, #a8862a'],
].map(([name, price, colours]) => `<article class="card"><div style="background:linear-gradient(135deg, ${colours})"></div>`
  + `<p><span>${name}</span><strong>€${price}</strong></p></article>`).join('\n');

function shop(path, region) {
  const content = path === '/'
    ? `<h1>Things that last</h1><p class="lead">Plain, sturdy goods for the house and the boat.</p>
<div class="layout"><section class="cards">${CARDS}</section><aside><div id="ad-sidebar" class="ad">Advertisement</div></aside></div>`
    : `<h1>Your account</h1><p class="lead">Sign in with your e-mail address; we send no newsletter.</p>
<div class="layout"><section>
<form id="sign-in"><p><input name="email" type="email" placeholder="you@example.com" required> <button class="act">Sign in</button></p>
<p id="account-state">You are not signed in.</p></form>
<div class="panel"><button class="act" id="nearby">Find a shop near me</button><p id="store-state"></p></div>
</section><aside><div id="ad-sidebar" class="ad">Advertisement</div></aside></div>`;
  return document({
    title: 'Harbour Goods',
    region,
    head: '<script defer src="https://cdn.consent-manager.test/shop/cmp.js"></script>\n<script defer src="/assets/shop.js"></script>',
    body: `<header><strong>Harbour Goods</strong><a href="/">Shop</a><a id="next" href="/account">Account</a></header>
<main><div id="ad-leaderboard" class="ad">Advertisement</div>${content}</main>
<footer>Harbour Goods, a shop that exists only for tests.</footer>`,
  });
}

function library(path, region) {
  const content = path === '/'
    ? '<h1>Town library</h1><p class="lead">Open today until eight. Two floors of books, one of quiet.</p>'
    : `<h1>Catalogue</h1><p class="lead">Search four hundred titles.</p>
<form id="search"><p><input name="q" placeholder="Title or author" required> <button class="act">Search</button></p>
<ul id="results"></ul></form>`;
  return document({
    title: 'Town library',
    region,
    head: `<style>@font-face { font-family: Inter; src: url("${FONT}-400-normal.woff2"); font-weight: 400; }
@font-face { font-family: Inter; src: url("${FONT}-700-normal.woff2"); font-weight: 700; }</style>
<script defer src="${COOKIECONSENT}/cookieconsent.umd.js"></script>\n<script defer src="/assets/library.js"></script>`,
    body: `<header><strong>Town library</strong><a href="/">Home</a><a id="next" href="/catalogue">Catalogue</a></header>
<main>${content}</main><footer>A library that exists only for tests.</footer>`,
  });
}

/** Returns the HTML of one page, or null where the site has no such page. */
export function page(site, path, region) {
  if (path !== '/' && path !== SITES[site].second) return null;
  return site === 'shop.test' ? shop(path, region) : library(path, region);
}
