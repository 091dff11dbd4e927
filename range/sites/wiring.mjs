// The site's own code, in the page: forms, the visitor id, and the tags, let in by consent and by what the site gets wrong.
// SITE is put in by the bundler: {site, api, tags: [{component, script, category, faults, told, pixel}], necessary: [cookie names]}.
import { gateWith } from './faults.mjs';

const { region } = document.documentElement.dataset;
const KEPT = 'site_tags';
const BACKUP = 'site_vid_copy';
const VISITOR_COOKIE = 'visitor_id';
const PATIENCE = 1000;
const IDS = ['visitorId', 'sharedId'];
const NO_MANAGER = {
  state: () => ({ chosen: false, categories: { analytics: true, advertising: true }, legitimateInterest: false }),
  onChange() {},
};

let consent = NO_MANAGER;
const tags = SITE.tags.map((tag) => ({ ...tag, gate: gateWith(tag.faults), started: null, running: false, allowed: false }));
const running = () => tags.filter((tag) => tag.running);
const find = (selector) => document.querySelector(selector);
const cookie = (name) => document.cookie.match(new RegExp(`(?:^|; )${name}=([^;]*)`))?.[1];
const keptTags = () => JSON.parse(localStorage.getItem(KEPT) ?? '[]');
const pick = (values, names) => Object.fromEntries(Object.entries(values).filter(([name]) => names.includes(name)));
const ping = (address, query) => { new Image().src = `${address}?${new URLSearchParams(query)}`; };

async function ask(path, body) {
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': cookie('csrf_token') ?? '' },
    body: JSON.stringify(body),
  });
  return response.json();
}

function load(src) {
  return new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = src;
    script.onload = resolve;
    script.onerror = () => reject(new Error(`${src} did not load`));
    document.head.append(script);
  });
}

let visitor;
/** The ids that the site gives a visitor, asked for when the first tag that is told them starts. */
function visitorIds() {
  visitor ??= ask('/api/visitor', {}).then(({ visitor_id: visitorId, shared_id: sharedId }) => {
    if (tags.some(({ gate }) => gate.respawns)) localStorage.setItem(BACKUP, visitorId);
    return { visitorId, sharedId };
  });
  return visitor;
}

/** Where the reader is, for local news, if that was permitted on this site before. */
async function position() {
  const { state } = await navigator.permissions.query({ name: 'geolocation' });
  if (state !== 'granted') return undefined;
  return new Promise((resolve) => {
    navigator.geolocation.getCurrentPosition(({ coords: { latitude, longitude } }) => resolve({ latitude, longitude }), () => resolve(undefined), { timeout: 2000 });
  });
}

async function start(tag) {
  tag.running = true;
  tag.started ??= (async () => {
    const told = tag.allowed && tag.told.some((name) => IDS.includes(name)) ? pick(await visitorIds(), tag.told) : {};
    if (tag.allowed && tag.told.includes('position')) told.position = await position();
    await load(tag.script);
    const api = window.rangeTags[tag.component];
    tag.options = { site: SITE.site, region, told, enforce: tag.enforce };
    await api.start(tag.options);
    return api;
  })();
  await tag.started;
  if (!tag.gate.forgets) localStorage.setItem(KEPT, JSON.stringify([...new Set([...keptTags(), tag.component])]));
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** The tag's calls, or null where it has failed or is not there in time: no page waits for its tags. */
const callsOf = (tag) => Promise.race([tag.started.catch(() => null), pause(PATIENCE).then(() => null)]);

async function stop(tag) {
  tag.running = false;
  const api = await callsOf(tag);
  await Promise.race([api?.optOut?.(), pause(PATIENCE)]);
}

/** Erases what optional tags have left behind, but for what the page itself needs. */
async function forget() {
  for (const pair of document.cookie.split('; ')) {
    const name = pair.split('=')[0];
    if (SITE.necessary.includes(name)) continue;
    for (const domain of ['', `; Domain=${location.hostname}`, `; Domain=.${location.hostname}`]) {
      document.cookie = `${name}=; Path=/; Max-Age=0${domain}`;
    }
  }
  for (const key of Object.keys(localStorage)) if (![KEPT, BACKUP, ...SITE.necessary].includes(key)) localStorage.removeItem(key);
  sessionStorage.clear();
  for (const { name } of await indexedDB.databases()) indexedDB.deleteDatabase(name);
}

/**
 * What a consent state means for each tag. A tag that waits for the TC string itself (prebid.js with tcfControl) runs at once.
 * A stopped tag has left code in the page, so the page is loaded anew.
 */
async function decide() {
  const state = consent.state();
  for (const tag of tags) {
    tag.before = tag.allowed;
    tag.allowed = tag.gate.allows(state, tag.category, tag.running || keptTags().includes(tag.component));
  }
  const stopping = running().filter((tag) => tag.before && !tag.allowed);
  const starting = tags.filter((tag) => !tag.running && (tag.allowed || (tag.waits && window.__tcfapi)));
  for (const tag of starting) start(tag).catch(() => {}); // a tag that fails is the tag's affair, not the page's
  await Promise.all(stopping.map(stop));
  if (!stopping.length) return;
  if (tags.every(({ gate }) => gate.forgets)) await forget();
  location.reload();
}

/** The visitor id comes back from its copy when the cookie is gone, and the tag's recipient is told. */
function respawn() {
  const copy = localStorage.getItem(BACKUP);
  if (!copy || cookie(VISITOR_COOKIE)) return;
  document.cookie = `${VISITOR_COOKIE}=${copy}; Path=/; Max-Age=31536000; Secure; SameSite=Lax`;
  for (const { gate, pixel } of tags) if (gate.respawns) ping(`${pixel}/restore`, { vid: copy });
}

async function sha256(text) {
  const bytes = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text.trim().toLowerCase()));
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** A new auction for the reader who has just signed in, whose address its identity modules are given. */
async function renew(tag, values) {
  const api = await callsOf(tag);
  await api?.start({ ...tag.options, told: { ...tag.options.told, ...values } });
  await window.pbjs.refreshUserIds();
}

async function tell(method, ...args) {
  for (const tag of running()) {
    const api = await callsOf(tag);
    api?.[method]?.(...args.map((value) => (typeof value === 'object' ? pick(value, tag.told) : value)));
  }
}

async function signIn(event) {
  event.preventDefault();
  const { email, phone, name } = Object.fromEntries(new FormData(event.target));
  const { user_id: userId } = await ask('/api/login', { email, phone, name });
  await tell('identify', { email, phone, name, userId });
  await tell('track', 'signed_in', {});
  for (const tag of running().filter(({ renews }) => renews)) renew(tag, { email });
  const digest = await sha256(email);
  for (const { gate, pixel } of tags) if (gate.pixel) ping(`${pixel}/pixel.gif`, { ev: 'sign_in', em: digest });
  find('#account-state').textContent = 'You are signed in.';
}

async function search(event) {
  event.preventDefault();
  const query = new FormData(event.target).get('q');
  const { titles } = await ask('/api/search', { query });
  await tell('track', 'searched', { query });
  find('#results').replaceChildren(...titles.map((title) => Object.assign(document.createElement('li'), { textContent: title })));
}

function nearMe() {
  navigator.geolocation.getCurrentPosition(async ({ coords: { latitude, longitude } }) => {
    const { place } = await ask('/api/near', { latitude, longitude });
    await tell('track', 'looked_nearby', { latitude, longitude });
    find('#place').textContent = `Nearest: ${place}`;
  }, () => { find('#place').textContent = 'Your position is not known.'; });
}

async function main() {
  find('#sign-in')?.addEventListener('submit', signIn);
  find('#search')?.addEventListener('submit', search);
  find('#near-me')?.addEventListener('click', nearMe);
  await window.rangeConsentReady;
  consent = window.rangeConsent ?? NO_MANAGER;
  if (tags.some(({ gate }) => gate.respawns)) respawn();
  consent.onChange(decide);
  await decide();
}

main();
