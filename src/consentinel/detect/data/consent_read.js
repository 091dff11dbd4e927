// Reads the state of consent through the public doors and the storage of consent managers. Changes nothing.
// Returns a list of {source, chosen, granted: {name: bool}, ...}; names are the manager's own.
async () => {
  const WAIT = 600;
  const said = [];
  const say = (source, chosen, granted, more = {}) => said.push({ source, chosen, granted, ...more });
  const safely = async (read) => { try { await read(); } catch { /* a door that fails says nothing */ } };
  const asked = (call) => new Promise((resolve) => { setTimeout(resolve, WAIT, null); try { call(resolve); } catch { resolve(null); } });
  const cookies = new Map(document.cookie.split('; ').filter(Boolean).map((pair) => {
    const cut = pair.indexOf('=');
    return cut < 0 ? [pair, ''] : [pair.slice(0, cut), pair.slice(cut + 1)];
  }));
  const cookie = (name) => {
    const text = cookies.get(name);
    if (text === undefined) return undefined;
    try { return decodeURIComponent(text); } catch { return text; }
  };
  const json = (text) => { try { return JSON.parse(text); } catch { return undefined; } };
  const each = (names, test) => Object.fromEntries([...names].map((name) => [name, test(name)]));

  await Promise.all([
    safely(async () => {
      if (typeof window.__tcfapi !== 'function') return;
      const data = await asked((done) => window.__tcfapi('addEventListener', 2, (answer, ok) => {
        if (answer?.listenerId !== undefined) window.__tcfapi('removeEventListener', 2, () => {}, answer.listenerId);
        done(ok === false ? null : answer);
      }));
      const text = data?.tcString || cookie('euconsent-v2') || '';
      say('tcf', data ? data.eventStatus === 'useractioncomplete' || (data.eventStatus === 'tcloaded' ? true : data.eventStatus === 'cmpuishown' ? false : null) : null,
        {}, { text, status: data?.eventStatus ?? '', applies: data?.gdprApplies ?? null, answered: Boolean(data) });
    }),
    safely(async () => {
      if (typeof window.__gpp !== 'function') return;
      const ping = await asked((done) => window.__gpp('ping', (answer) => done(answer)));
      const data = ping ?? window.__gpp('ping');
      say('gpp', data?.signalStatus === 'ready' ? data?.cmpDisplayStatus !== 'visible' : null, {}, { text: data?.gppString ?? '', status: data?.signalStatus ?? '', answered: Boolean(data) });
    }),
    safely(async () => {
      if (typeof window.__uspapi !== 'function') return;
      const data = await asked((done) => window.__uspapi('getUSPData', 1, (answer) => done(answer)));
      say('us_privacy', null, {}, { text: data?.uspString ?? '', answered: Boolean(data) });
    }),
    safely(() => say('gpc', null, {}, { on: navigator.globalPrivacyControl === true })),
    safely(() => {
      const steps = { default: null, update: null };
      for (const item of window.dataLayer ?? []) {
        if (item?.[0] === 'consent' && item[1] in steps && item[2]) {
          const kept = Object.entries(item[2]).filter(([, value]) => value === 'granted' || value === 'denied');
          if (item[1] === 'default' && item[2].region) continue; // for other regions than this, perhaps
          steps[item[1]] = { ...steps[item[1]], ...Object.fromEntries(kept) };
        }
      }
      if (!steps.default && !steps.update) return;
      const now = { ...steps.default, ...steps.update };
      say('consent_mode', null, each(Object.keys(now), (name) => now[name] === 'granted'), { updated: Boolean(steps.update), by_default: steps.default ?? {} });
    }),
    safely(() => {
      const api = window.CookieConsent;
      if (typeof api?.getUserPreferences === 'function') {
        const { acceptedCategories, rejectedCategories } = api.getUserPreferences();
        const plan = api.getConfig?.('categories') ?? {};
        const names = new Set([...Object.keys(plan), ...acceptedCategories, ...rejectedCategories]);
        say('vanilla-cookieconsent', api.validConsent(), each(names, (name) => acceptedCategories.includes(name)), { required: [...names].filter((name) => plan[name]?.readOnly) });
      } else {
        const kept = json(cookie('cc_cookie'));
        if (Array.isArray(kept?.categories)) say('vanilla-cookieconsent', Boolean(kept.consentTimestamp ?? kept.consent_date), each(kept.categories, () => true), { complete: false, required: ['necessary'] });
      }
    }),
    safely(() => {
      let manager = null;
      try { manager = window.klaro?.getManager?.(); } catch { /* nobody has set it up */ }
      if (!manager?.consents) {
        const kept = json(cookie('klaro') ?? localStorage.getItem('klaro'));
        if (kept && typeof kept === 'object') say('klaro', true, each(Object.keys(kept), (name) => kept[name] === true));
        return;
      }
      const services = manager.config?.services ?? manager.config?.apps ?? [];
      const label = (name) => `${name} ${[].concat(services.find((s) => s.name === name)?.purposes ?? []).join(' ')}`;
      const names = Object.keys(manager.consents);
      const granted = manager.confirmed ? manager.savedConsents ?? manager.consents : manager.consents;
      say('klaro', manager.confirmed === true, Object.fromEntries(names.map((name) => [label(name), granted[name] === true])),
        { required: services.filter((s) => s.required).map((s) => label(s.name)) });
    }),
    safely(() => {
      const status = cookie('cookieconsent_status');
      if (status !== undefined || window.cookieconsent?.status) {
        const yes = status === 'allow' ? true : status === 'deny' ? false : null;
        say('cookieconsent', status !== undefined, yes === null ? {} : { all: yes }, { status: status ?? '' });
      }
    }),
    safely(() => {
      const consent = window.Osano?.cm?.getConsent?.();
      if (consent) say('osano', Boolean(window.Osano.cm.storageConsentedAt ?? cookie('osano_consentmanager')), each(Object.keys(consent), (name) => consent[name] === 'ACCEPT'), { required: ['ESSENTIAL'] });
    }),
    safely(() => {
      const tac = window.tarteaucitron;
      const text = cookie('tarteaucitron') ?? '';
      const kept = Object.fromEntries([...text.matchAll(/!([^=!]+)=([a-z]+)/g)].map(([, name, value]) => [name, value]));
      const names = new Set([...(tac?.job ?? []), ...Object.keys(kept), ...Object.keys(tac?.state ?? {})]);
      if (!names.size) return;
      const label = (name) => `${name} ${tac?.services?.[name]?.type ?? ''}`;
      const stated = (name) => (kept[name] && kept[name] !== 'wait' ? kept[name] === 'true' : tac?.state?.[name] === true);
      const open = [...names].filter((name) => !kept[name] || kept[name] === 'wait');
      say('tarteaucitron', open.length === 0, Object.fromEntries([...names].map((name) => [label(name), stated(name)])),
        { waiting: open.length, required: [...names].filter((name) => tac?.services?.[name]?.needConsent === false).map(label) });
    }),
    safely(() => {
      const groups = new Map((cookie('OptanonConsent') ?? '').match(/groups=([^&]*)/)?.[1]?.split(',').map((pair) => pair.split(':')) ?? []);
      const active = (window.OnetrustActiveGroups ?? window.OptanonActiveGroups ?? '').split(',').filter(Boolean);
      if (!groups.size && !active.length) return;
      const CALLED = { C0001: 'necessary', C0002: 'analytics', C0003: 'functional', C0004: 'advertising', C0005: 'advertising social' };
      const names = new Set([...groups.keys(), ...active]);
      say('onetrust', cookies.has('OptanonAlertBoxClosed') || null, Object.fromEntries([...names].map((name) => [`${name} ${CALLED[name] ?? ''}`, groups.has(name) ? groups.get(name) === '1' : active.includes(name)])), { required: ['C0001 necessary'] });
    }),
    safely(() => {
      const bot = window.Cookiebot;
      if (!bot?.consent) return;
      const { necessary, preferences, statistics, marketing } = bot.consent;
      say('cookiebot', bot.hasResponse === true, { necessary: necessary !== false, preferences, statistics, marketing }, { required: ['necessary'] });
    }),
    safely(() => {
      const status = window.Didomi?.getCurrentUserStatus?.() ?? window.Didomi?.getUserStatus?.();
      if (!status) return;
      const flat = status.purposes?.consent
        ? { ...each(status.purposes.consent.enabled ?? [], () => true), ...each(status.purposes.consent.disabled ?? [], () => false) }
        : Object.fromEntries(Object.entries(status.purposes ?? {}).map(([name, { enabled }]) => [name, enabled === true]));
      say('didomi', window.Didomi.shouldUserStatusBeCollected?.() === undefined ? null : !window.Didomi.shouldUserStatusBeCollected(), flat);
    }),
    safely(async () => {
      const services = window.UC_UI?.getServicesBaseInfo?.();
      if (services) {
        say('usercentrics', window.UC_UI.isConsentRequired?.() === false || null, Object.fromEntries(services.map((s) => [`${s.name} ${s.categorySlug}`, s.consent?.status === true])),
          { required: services.filter((s) => s.isEssential || s.categorySlug === 'essential').map((s) => `${s.name} ${s.categorySlug}`) });
      } else if (window.__ucCmp?.getConsentDetails) {
        const details = await window.__ucCmp.getConsentDetails();
        const entries = Object.entries(details?.categories ?? {});
        say('usercentrics', details?.consent?.type === 'EXPLICIT', Object.fromEntries(entries.map(([name, { state }]) => [name, state === 'ALL_ACCEPTED'])), { required: ['essential'] });
      }
    }),
    safely(() => {
      const consent = window._iub?.cs?.consent;
      const CALLED = { 1: 'necessary', 2: 'functional', 3: 'experience', 4: 'measurement', 5: 'marketing' };
      if (!consent) return;
      if (consent.purposes) say('iubenda', true, Object.fromEntries(Object.entries(consent.purposes).map(([id, on]) => [CALLED[id] ?? id, on === true])), { required: ['necessary'] });
      else if (typeof consent.consent === 'boolean') say('iubenda', true, { all: consent.consent });
    }),
    safely(() => {
      const consent = window.getCkyConsent?.();
      if (consent?.categories) say('cookieyes', consent.isUserActionCompleted === true, { ...consent.categories }, { required: ['necessary'] });
    }),
    safely(() => {
      const names = [...cookies.keys()].filter((name) => /^cmplz_(statistics|marketing|preferences|functional)/.test(name));
      if (names.length) say('complianz', cookie('cmplz_banner-status') === 'dismissed', each(names, (name) => cookie(name) === 'allow'), { required: ['cmplz_functional'] });
    }),
  ]);

  // Storage that looks like a record of consent: read last, and believed only where nothing above speaks.
  await safely(() => {
    const kept = [...cookies.keys()].map((name) => [name, cookie(name)]);
    for (let i = 0; i < localStorage.length; i += 1) kept.push([localStorage.key(i), localStorage.getItem(localStorage.key(i))]);
    for (const [name, text] of kept) {
      if (!/consent|cookie|gdpr|privacy/i.test(name) || !text || text.length > 4000) continue;
      const value = json(text);
      const names = text.split(/[.,|;:+ ]+/).filter(Boolean);
      if (value === undefined && names.length <= 8 && names.every((one) => /^[a-z][\w-]{2,30}$/i.test(one))) said.push({ source: 'storage', chosen: true, names, name: name.slice(0, 40) });
      const flat = {};
      const walk = (at, path) => {
        for (const [key, inner] of Object.entries(at ?? {})) {
          if (typeof inner === 'boolean') flat[`${path}${key}`] = inner;
          else if (inner === 'granted' || inner === 'denied') flat[`${path}${key}`] = inner === 'granted';
          else if (inner && typeof inner === 'object' && !Array.isArray(inner) && path.length < 60) walk(inner, `${path}${key}.`);
        }
      };
      if (value && typeof value === 'object') walk(value, '');
      if (Object.keys(flat).length) say('storage', true, flat, { name: name.slice(0, 40) });
    }
  });
  return { at: Date.now(), said, webdriver: navigator.webdriver === true };
}
//# sourceURL=consentinel-banner.js
