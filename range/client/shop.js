// Tag wiring of shop.test, with the mistakes that are common on real sites. What is wrong is said above each function.
import { startAds } from './ads.js';
import { load, onChoice } from './tags.js';

const { region } = document.documentElement.dataset;

async function sha256(text) {
  const bytes = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

// Wrong: starts with the page, before any choice, and no choice ever stops it.
async function startPosthog() {
  await load('https://cdn.posthog.test/array.js');
  window.posthog.init('phc_harbourgoods', {
    api_host: 'https://i.posthog.test',
    ui_host: 'https://app.posthog.test',
    persistence: 'localStorage+cookie',
    person_profiles: 'always',
    opt_out_useragent_filter: true,
    request_queue_config: { flush_interval_ms: 500 },
  });
}

// Right: starts only once analytics is accepted, and honours Global Privacy Control.
async function startMixpanel() {
  await load('https://cdn.mixpanel.test/libs/mixpanel.js');
  window.mixpanel.init('5f1c0e9d7a34b28866c1d0e5a7b3f924', {
    api_host: 'https://api.mixpanel.test',
    persistence: 'cookie',
    batch_flush_interval_ms: 500,
    track_pageview: true,
  });
}

// Half right: no identifier and no storage before analytics is accepted, but its events run from the start.
async function startSnowplow() {
  await load('https://cdn.snowplow.test/sp.js');
  const { newTracker, trackPageView } = window.snowplow;
  const identified = region === 'US-CA' || window.CookieConsent?.acceptedCategory('analytics');
  newTracker('shop', 'https://collector.snowplow.test', {
    appId: 'harbour-goods',
    stateStorageStrategy: identified ? 'cookieAndLocalStorage' : 'none',
    ...(identified ? {} : { anonymousTracking: { withServerAnonymisation: true } }),
  });
  trackPageView();
}

function identifySnowplow() {
  window.snowplow?.disableAnonymousTracking({ stateStorageStrategy: 'cookieAndLocalStorage' });
  window.snowplow?.trackPageView();
}

// Wrong: any choice starts the fingerprint, a refusal too.
async function startFingerprint() {
  await load('https://cdn.visitor-id.test/fp.js');
  const agent = await window.FingerprintJS.load({ monitoring: false });
  const { visitorId, confidence, components } = await agent.get();
  await fetch('https://ingest.visitor-id.test/v1/visits', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ visitorId, confidence, components, page: location.pathname }),
  });
}

// Wrong: the hashed address identifies the person whatever was chosen; the plain one is sent only to an accepted vendor.
async function signIn(event) {
  event.preventDefault();
  const email = new FormData(event.target).get('email').trim().toLowerCase();
  await fetch('/api/login', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ email }) });
  const digest = await sha256(email);
  window.posthog.identify(digest, { plan: 'member' });
  if (window.mixpanel) {
    window.mixpanel.identify(digest);
    window.mixpanel.people.set({ $email: email });
  }
  document.querySelector('#account-state').textContent = 'You are signed in.';
}

// Wrong: the visitor asks for a shop nearby, and the exact position goes into an analytics event.
function findNearby() {
  navigator.geolocation.getCurrentPosition(({ coords }) => {
    const { latitude, longitude, accuracy } = coords;
    window.snowplow.trackStructEvent({
      category: 'stores',
      action: 'nearby',
      context: [{
        schema: 'iglu:com.snowplowanalytics.snowplow/geolocation_context/jsonschema/1-1-0',
        data: { latitude, longitude, latitudeLongitudeAccuracy: accuracy },
      }],
    });
    document.querySelector('#store-state').textContent = 'Nearest shop: Harbour Street, 1.2 km.';
  });
}

document.querySelector('#sign-in')?.addEventListener('submit', signIn);
document.querySelector('#nearby')?.addEventListener('click', findNearby);

startPosthog();
startSnowplow();
startAds(region);
if (region === 'EU') {
  onChoice((categories) => categories.includes('analytics'), startMixpanel);
  onChoice((categories) => categories.includes('analytics'), identifySnowplow);
  onChoice(() => true, startFingerprint);
} else {
  if (!navigator.globalPrivacyControl) startMixpanel();
  startFingerprint();
}
