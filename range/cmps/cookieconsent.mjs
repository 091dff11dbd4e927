/** Cookie Consent of Osano (3.x): knows allow and deny only; the site adds two boxes for a choice in detail, as its layouts permit. */
import { CATEGORIES, SETTINGS_LINK, categoriesOf, publish } from './_consent.mjs';

export const about = {
  cmp: 'cookieconsent', package: 'cookieconsent', api: 'own',
  files: { script: 'build/cookieconsent.min.js', style: 'build/cookieconsent.min.css' },
  cookies: ['cookieconsent_status', 'cookieconsent_categories'], recordHost: 'consents.osano-mirror.test',
};

const BOXES = '<p class="cc-choice"><label><input type="checkbox" value="analytics"> Analytics</label> '
  + '<label><input type="checkbox" value="advertising"> Advertising</label></p>';
const DETAIL = 'cookieconsent_categories';
const HALF_A_YEAR = 182;

const cookie = (name) => document.cookie.match(new RegExp(`(?:^|; )${name}=([^;]*)`))?.[1];
const setDetail = (names) => {
  document.cookie = `${DETAIL}=${names.join('.')}; Path=/; Max-Age=${HALF_A_YEAR * 86400}; Secure; SameSite=Lax`;
};

/** In the page. */
export async function init(config) {
  const { title, text, accept, reject, colours } = config.words;
  let popup;
  const held = () => (cookie('cookieconsent_status') === 'allow' ? categoriesOf(cookie(DETAIL)?.split('.') ?? CATEGORIES) : categoriesOf([]));
  const { rules, asks, changed } = publish(config, {
    read: () => ({ chosen: ['allow', 'deny'].includes(cookie('cookieconsent_status')), categories: held() }),
    open: () => popup.open(),
  });
  window.cookieconsent.initialise({
    type: 'opt-in', layout: 'choice', position: config.position ?? 'bottom', theme: 'classic', autoOpen: asks,
    palette: { popup: { background: colours?.[0] ?? '#1d2b36', text: '#f4f7f8' }, button: { background: colours?.[1] ?? '#f1d600', text: '#1b1b1b' } },
    cookie: { expiryDays: HALF_A_YEAR, secure: true },
    content: { header: title, message: text, allow: accept, deny: reject, policy: 'Privacy settings' },
    elements: { boxes: BOXES, save: '<a role="button" tabindex="0" class="cc-btn cc-save">Save my choice</a>' },
    layouts: { choice: '<div class="cc-text"><strong>{{header}}</strong>{{message}}{{boxes}}</div>{{compliance}}' },
    compliance: { 'opt-in': '<div class="cc-compliance cc-highlight">{{deny}}{{save}}{{allow}}</div>' },
    onStatusChange(status) {
      const pressed = status === 'allow' ? categoriesOf(cookie(DETAIL)?.split('.') ?? CATEGORIES) : categoriesOf([]);
      const kept = rules.recorded(pressed);
      if (status === 'deny' && (kept.analytics || kept.advertising)) {
        setDetail(CATEGORIES);
        this.setStatus('allow');
      } else changed();
    },
  }, (made) => {
    popup = made;
    popup.element.querySelector('.cc-allow').addEventListener('click', () => setDetail(CATEGORIES), true);
    popup.element.querySelector('.cc-save').addEventListener('click', () => {
      const ticked = [...popup.element.querySelectorAll('.cc-choice input:checked')].map(({ value }) => value);
      setDetail(ticked);
      popup.setStatus(ticked.length ? 'allow' : 'deny');
      popup.close();
    });
  });
}

/** From outside: presses what a person would press. */
export async function act(page, choice) {
  const bar = page.locator('.cc-window');
  if (choice === 'all') return bar.locator('.cc-allow').click();
  if (choice === 'necessary') return bar.locator('.cc-deny').click();
  if (choice === 'withdraw') {
    await page.click(SETTINGS_LINK);
    return bar.locator('.cc-deny').click();
  }
  await bar.locator('.cc-choice input[value="analytics"]').check();
  return bar.locator('.cc-save').click();
}

/** What the manager itself holds. */
export function read(page) {
  return page.evaluate(() => {
    const cookie = (name) => document.cookie.match(new RegExp(`(?:^|; )${name}=([^;]*)`))?.[1];
    const status = cookie('cookieconsent_status');
    const granted = status === 'allow' ? (cookie('cookieconsent_categories') ?? 'analytics.advertising').split('.') : [];
    return {
      chosen: status === 'allow' || status === 'deny',
      categories: { analytics: granted.includes('analytics'), advertising: granted.includes('advertising') },
    };
  });
}
