// Runs in the page before any script of it: reports storage writes, device-API reads and consent events to the recorder.
(() => {
  const report = window.__record;
  delete window.__record;
  const tell = (event) => report(JSON.stringify({ time: new Date().toISOString(), ...event }));

  /** The first script of the page on the stack: {script_url, line, col}, null where no script can be named. */
  function caller() {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 20;
    const { stack } = new Error();
    Error.stackTraceLimit = limit;
    for (const frame of stack.split('\n')) {
      const match = frame.match(/(https?:\/\/[^\s()]+):(\d+):(\d+)\)?$/);
      if (match) return { script_url: match[1], line: Number(match[2]), col: Number(match[3]) };
    }
    return { script_url: null, line: null, col: null };
  }

  function lifetime(attributes) {
    const maxAge = attributes.match(/;\s*max-age=(-?\d+)/i);
    if (maxAge) return Math.max(0, Number(maxAge[1]));
    const expires = attributes.match(/;\s*expires=([^;]+)/i);
    if (!expires) return null;
    const seconds = Math.round((Date.parse(expires[1]) - Date.now()) / 1000);
    return Number.isNaN(seconds) ? null : Math.max(0, seconds);
  }

  function stored(kind, key, value, lifetime_s) {
    const { script_url, line } = caller();
    tell({ what: 'storage', kind, origin: location.origin, key, value, lifetime_s, script_url, line });
  }

  const cookie = Object.getOwnPropertyDescriptor(Document.prototype, 'cookie');
  Object.defineProperty(Document.prototype, 'cookie', {
    ...cookie,
    set(text) {
      const [pair] = String(text).split(';');
      const cut = pair.indexOf('=');
      stored('cookie', pair.slice(0, Math.max(cut, 0)).trim(), pair.slice(cut + 1).trim(), lifetime(String(text)));
      cookie.set.call(this, text);
    },
  });
  const { setItem } = Storage.prototype;
  Storage.prototype.setItem = function (key, value) {
    stored(this === window.localStorage ? 'local' : 'session', String(key), String(value), null);
    return setItem.call(this, key, value);
  };

  const called = (api) => tell({ what: 'call', api, ...caller() });
  function watchGetter(prototype, name, api) {
    const getter = Object.getOwnPropertyDescriptor(prototype, name);
    if (!getter?.get) return;
    Object.defineProperty(prototype, name, { ...getter, get() { called(api); return getter.get.call(this); } });
  }
  function watchMethod(owner, name, api) {
    const method = owner?.[name];
    if (typeof method !== 'function') return;
    owner[name] = function (...args) { called(api); return method.apply(this, args); };
  }
  for (const name of ['hardwareConcurrency', 'deviceMemory', 'languages', 'language', 'plugins', 'platform', 'maxTouchPoints']) {
    watchGetter(Navigator.prototype, name, `navigator.${name}`);
  }
  for (const name of ['width', 'height', 'availWidth', 'availHeight', 'colorDepth']) {
    watchGetter(Screen.prototype, name, `screen.${name}`);
  }
  watchMethod(HTMLCanvasElement.prototype, 'toDataURL', 'HTMLCanvasElement.toDataURL');
  watchMethod(CanvasRenderingContext2D.prototype, 'getImageData', 'CanvasRenderingContext2D.getImageData');
  watchMethod(WebGLRenderingContext.prototype, 'getParameter', 'WebGLRenderingContext.getParameter');
  watchMethod(window.OfflineAudioContext?.prototype, 'startRendering', 'OfflineAudioContext.startRendering');
  watchMethod(window.FontFaceSet?.prototype, 'check', 'document.fonts.check');
  watchMethod(Date.prototype, 'getTimezoneOffset', 'Date.getTimezoneOffset');
  watchMethod(Intl.DateTimeFormat.prototype, 'resolvedOptions', 'Intl.DateTimeFormat.resolvedOptions');
  watchMethod(Navigator.prototype, 'getBattery', 'navigator.getBattery');
  watchMethod(window.Geolocation?.prototype, 'getCurrentPosition', 'geolocation.getCurrentPosition');

  let clicked; // a choice counts from the click that made it; the dialog stores and announces it a moment later
  window.addEventListener('click', () => { clicked = new Date().toISOString(); }, true);
  for (const name of ['cc:onFirstConsent', 'cc:onChange']) {
    window.addEventListener(name, ({ detail }) => {
      tell({ what: 'consent', categories: detail.cookie.categories, ...(clicked ? { time: clicked } : {}) });
    });
  }
})();
