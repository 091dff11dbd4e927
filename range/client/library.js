// Tag wiring of library.test: the same analytics SDKs as the shop, and nothing starts before analytics is accepted.
import { load, onChoice } from './tags.js';

async function startPosthog() {
  await load('https://cdn.posthog.test/array.js');
  window.posthog.init('phc_townlibrary', {
    api_host: 'https://i.posthog.test',
    ui_host: 'https://app.posthog.test',
    persistence: 'localStorage+cookie',
    opt_out_useragent_filter: true,
    request_queue_config: { flush_interval_ms: 500 },
  });
}

async function startSnowplow() {
  await load('https://cdn.snowplow.test/sp.js');
  window.snowplow.newTracker('library', 'https://collector.snowplow.test', { appId: 'town-library' });
  window.snowplow.trackPageView();
}

async function search(event) {
  event.preventDefault();
  const query = new FormData(event.target).get('q');
  const csrf = document.cookie.match(/(?:^|; )csrf_token=([^;]+)/)[1];
  const response = await fetch('/api/search', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': csrf },
    body: JSON.stringify({ query }),
  });
  const { titles } = await response.json();
  document.querySelector('#results').replaceChildren(...titles.map((title) => {
    const item = document.createElement('li');
    item.textContent = title;
    return item;
  }));
}

document.querySelector('#search')?.addEventListener('submit', search);
onChoice((categories) => categories.includes('analytics'), () => {
  startPosthog();
  startSnowplow();
});

window.CookieConsent.run({
  hideFromBots: false,
  guiOptions: { consentModal: { layout: 'box', position: 'bottom right', equalWeightButtons: true } },
  categories: { necessary: { enabled: true, readOnly: true }, analytics: {} },
  language: {
    default: 'en',
    translations: {
      en: {
        consentModal: {
          title: 'May we count your visit?',
          description: 'The library keeps one cookie for your session. With your permission we also measure which pages are used.',
          acceptAllBtn: 'Yes, count me',
          acceptNecessaryBtn: 'No, thank you',
        },
        preferencesModal: { title: 'Privacy choices', sections: [] },
      },
    },
  },
});
