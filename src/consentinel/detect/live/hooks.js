// Runs in every document before its own scripts and reports to the recorder: storage writes, device-API reads with the
// place that read, and fields that were typed into and read.
(() => {
  const report = window.__consentinel;
  if (typeof report !== 'function') return;
  delete window.__consentinel;
  const { stringify } = JSON;
  const now = Date.now.bind(Date);
  const tell = (event) => { try { report(stringify({ time: now() / 1000, frame: location.href, ...event })); } catch { /* the recorder is gone */ } };

  // A wrapped function shows the text of the one it wraps: some scripts stop working when they see anything else.
  const wrapped = new WeakMap();
  const { toString } = Function.prototype;
  const wrap = (original, make) => { const made = make(original); wrapped.set(made, original); return made; };
  Function.prototype.toString = wrap(toString, () => function () { return toString.call(wrapped.get(this) ?? this); });

  const FRAME = /((?:https?|blob):[^\s()]+):(\d+):(\d+)\)?$/;
  const ErrorType = Error;
  const OURS = /UtilityScript|consentinel-(?!hooks)/; // the recorder's own reads are not the page's
  /** The first script of the page on the stack: {script_url, line, col}, without an address where none can be named. */
  function caller() {
    const limit = ErrorType.stackTraceLimit;
    ErrorType.stackTraceLimit = 12;
    const stack = String(new ErrorType().stack);
    ErrorType.stackTraceLimit = limit;
    for (const frame of stack.split('\n')) {
      const match = FRAME.exec(frame);
      if (match) return { script_url: match[1], line: Number(match[2]), col: Number(match[3]) };
    }
    return { script_url: null, line: null, col: null, ours: OURS.test(stack) };
  }

  // Calls are counted by place: the first is told at once, the rest now and then.
  const places = new Map();
  const perApi = new Map();
  let due = false;
  function flush() {
    due = false;
    for (const place of places.values()) {
      if (place.more) { tell({ ...place.event, n: place.more }); place.more = 0; }
    }
  }
  const later = window.setTimeout.bind(window);
  function counted(event, { ours, ...at }) {
    if (ours) return null;
    const key = `${event.what}|${event.api ?? event.field}|${at.script_url}|${at.line}|${at.col}`;
    const known = places.get(key);
    if (known) {
      known.more += 1;
      if (!due) { due = true; later(flush, 1000); }
      return known;
    }
    const place = { event: { ...event, ...at }, more: 0 };
    if (places.size < 5000) { places.set(key, place); tell({ ...place.event, n: 1 }); }
    return place;
  }
  const BUSY = 300; // a loop that reads this often is not worth a stack trace each time
  function called(api) {
    const seen = perApi.get(api) ?? { n: 0, last: null };
    perApi.set(api, seen);
    seen.n += 1;
    if (seen.n > BUSY && seen.last && seen.n % 64) {
      seen.last.more += 1;
      if (!due) { due = true; later(flush, 1000); }
    } else seen.last = counted({ what: 'call', api }, caller());
  }

  const quietly = (look) => { try { look(); } catch { /* a fault here must not become one of the page */ } };
  const property = (owner, name) => { try { return owner && Object.getOwnPropertyDescriptor(owner, name); } catch { return undefined; } };
  function watchGetter(owner, name, api, seen = called) {
    const found = property(owner, name);
    if (!found?.get || !found.configurable) return;
    Object.defineProperty(owner, name, { ...found, get: wrap(found.get, (get) => function () { quietly(() => seen(api, this)); return get.call(this); }) });
  }
  function watchMethod(owner, name, seen) {
    const found = property(owner, name);
    if (typeof found?.value !== 'function' || !found.configurable) return;
    Object.defineProperty(owner, name, {
      ...found, value: wrap(found.value, (method) => function (...args) { quietly(() => seen.call(this, args)); return Reflect.apply(method, this, args); }),
    });
  }

  const READS = {
    Navigator: ['hardwareConcurrency', 'deviceMemory', 'languages', 'language', 'plugins', 'mimeTypes', 'platform', 'maxTouchPoints',
      'userAgent', 'appVersion', 'vendor', 'doNotTrack', 'globalPrivacyControl', 'connection', 'userAgentData', 'webdriver', 'cookieEnabled', 'pdfViewerEnabled'],
    Screen: ['width', 'height', 'availWidth', 'availHeight', 'colorDepth', 'pixelDepth', 'orientation'],
    Document: ['referrer'], NetworkInformation: ['effectiveType', 'downlink', 'rtt', 'saveData'],
  };
  const CALLS = {
    HTMLCanvasElement: ['toDataURL', 'toBlob'], CanvasRenderingContext2D: ['getImageData', 'measureText'],
    WebGLRenderingContext: ['getParameter', 'getSupportedExtensions', 'getExtension', 'readPixels', 'getShaderPrecisionFormat'],
    WebGL2RenderingContext: ['getParameter', 'getSupportedExtensions', 'getExtension', 'readPixels', 'getShaderPrecisionFormat'],
    OfflineAudioContext: ['startRendering'], FontFaceSet: ['check'], Navigator: ['getBattery', 'getGamepads', 'requestMediaKeySystemAccess'],
    NavigatorUAData: ['getHighEntropyValues'], Geolocation: ['getCurrentPosition', 'watchPosition'],
    MediaDevices: ['enumerateDevices', 'getUserMedia'], HTMLMediaElement: ['canPlayType'], SpeechSynthesis: ['getVoices'],
    Permissions: ['query'], StorageManager: ['estimate'], Clipboard: ['readText', 'read'], RTCPeerConnection: ['createOffer', 'createDataChannel'],
  };
  for (const [type, names] of Object.entries(READS)) for (const name of names) watchGetter(window[type]?.prototype, name, `${type}.${name}`);
  for (const [type, names] of Object.entries(CALLS)) {
    for (const name of names) watchMethod(window[type]?.prototype, name, () => called(`${type}.${name}`));
  }
  watchMethod(Date.prototype, 'getTimezoneOffset', () => called('Date.getTimezoneOffset'));
  watchMethod(Intl.DateTimeFormat.prototype, 'resolvedOptions', () => called('Intl.DateTimeFormat.resolvedOptions'));
  watchGetter(window, 'devicePixelRatio', 'Window.devicePixelRatio');

  // Storage: what is written, where, by whom, for how long.
  const VALUE = 65536;
  function stored(kind, key, value, lifetime_s) {
    const { script_url, line, ours } = caller();
    if (!ours) tell({ what: 'storage', kind, origin: location.origin, key: String(key).slice(0, 1024), value: String(value).slice(0, VALUE), lifetime_s, script_url, line });
  }
  function lifetime(attributes) {
    const age = attributes.match(/;\s*max-age=(-?\d+)/i);
    if (age) return Math.max(0, Number(age[1]));
    const until = attributes.match(/;\s*expires=([^;]+)/i);
    const seconds = until ? Math.round((Date.parse(until[1]) - now()) / 1000) : NaN;
    return Number.isNaN(seconds) ? null : Math.max(0, seconds);
  }
  function storedCookie(text) {
    const [pair] = text.split(';');
    const cut = pair.indexOf('=');
    stored('cookie', pair.slice(0, Math.max(cut, 0)).trim(), pair.slice(cut + 1).trim(), lifetime(text));
  }
  const cookie = property(Document.prototype, 'cookie');
  Object.defineProperty(Document.prototype, 'cookie', {
    ...cookie,
    get: wrap(cookie.get, (get) => function () { quietly(() => called('Document.cookie')); return get.call(this); }),
    set: wrap(cookie.set, (set) => function (text) {
      quietly(() => storedCookie(String(text)));
      return set.call(this, text);
    }),
  });
  watchMethod(window.CookieStore?.prototype, 'set', ([first, value]) => {
    const given = typeof first === 'object' && first !== null ? first : { name: first, value };
    const until = given.expires == null ? null : Math.max(0, Math.round((Number(given.expires) - now()) / 1000));
    stored('cookie', given.name, given.value, until);
  });
  watchMethod(Storage.prototype, 'setItem', function ([key, value]) {
    stored(this === window.localStorage ? 'local' : 'session', key, value, null);
  });
  const plain = (value) => { try { return stringify(value) ?? String(value); } catch { return String(value); } };
  for (const name of ['put', 'add']) {
    watchMethod(window.IDBObjectStore?.prototype, name, function ([value, key]) {
      stored('indexeddb', `${this.transaction?.db?.name}/${this.name}/${key === undefined ? '' : plain(key)}`, plain(value), null);
    });
  }
  watchMethod(window.Cache?.prototype, 'put', ([request]) => stored('cache', request?.url ?? request, '', null));

  // Forms: which fields were typed into, and which script read them then. Never what was typed.
  const typed = new WeakMap();
  const field = (element) => {
    const form = element.form ? element.form.id || element.form.getAttribute('name') || element.form.getAttribute('action') || 'form' : '';
    return { form, field: element.name || element.id || element.placeholder || element.type, type: element.type || element.localName };
  };
  const FIELDS = [window.HTMLInputElement, window.HTMLTextAreaElement, window.HTMLSelectElement];
  const isField = (element) => FIELDS.some((type) => element instanceof type);
  const pathOf = (event) => (event.composedPath ? event.composedPath()[0] : event.target);
  window.addEventListener('input', (event) => {
    const element = pathOf(event);
    if (!isField(element) || typed.has(element)) return;
    typed.set(element, true);
    tell({ what: 'form', did: 'typed', ...field(element) });
  }, true);
  window.addEventListener('submit', (event) => {
    const form = event.target;
    tell({ what: 'form', did: 'submitted', form: form.id || form.getAttribute?.('name') || 'form', action: String(form.action ?? '') });
  }, true);
  for (const type of FIELDS) {
    watchGetter(type?.prototype, 'value', '', (_, element) => {
      if (typed.has(element)) counted({ what: 'form', did: 'read', ...field(element) }, caller());
    });
  }

  // What a page sends while it goes away is not shown to the recorder: by then the browser has let go of the page. So the
  // farewell is said a moment early, when leaving is announced, and kept from being said again.
  let said = false;
  const HIDDEN = { visibilityState: 'hidden', hidden: true };
  function farewell() {
    said = true;
    flush();
    for (const [name, value] of Object.entries(HIDDEN)) Object.defineProperty(document, name, { configurable: true, get: () => value });
    window.dispatchEvent(new PageTransitionEvent('pagehide', { persisted: false }));
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
    window.dispatchEvent(new Event('unload'));
    later(stay, 3000);
  }
  function stay() { // it was a file or a mail address: the page is still here
    said = false;
    for (const name of Object.keys(HIDDEN)) delete document[name];
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
  }
  // What is in a Blob that is sent now cannot be asked for any more once the page is gone, so small ones are told here.
  const parts = new WeakMap();
  const SMALL = 262144;
  const bytes = (part) => {
    if (typeof part === 'string') return new TextEncoder().encode(part);
    return ArrayBuffer.isView(part) ? new Uint8Array(part.buffer, part.byteOffset, part.byteLength).slice() : new Uint8Array(part.slice(0));
  };
  window.Blob = wrap(window.Blob, (Blob) => new Proxy(Blob, {
    construct(target, args, made) {
      const blob = Reflect.construct(target, args, made);
      const known = (part) => typeof part === 'string' || part instanceof ArrayBuffer || ArrayBuffer.isView(part);
      quietly(() => { if (blob.size && blob.size < SMALL && Array.isArray(args[0]) && args[0].every(known)) parts.set(blob, args[0].map(bytes)); });
      return blob;
    },
  }));
  function parting(method, url, body) {
    if (!said || !parts.has(body)) return;
    const text = parts.get(body).flatMap((part) => Array.from(part, (byte) => String.fromCharCode(byte))).join('');
    tell({ what: 'body', method: String(method).toUpperCase(), url: new URL(url, document.baseURI).href, body: btoa(text) });
  }
  const opened = new WeakMap();
  watchMethod(Navigator.prototype, 'sendBeacon', ([url, body]) => parting('POST', url, body));
  watchMethod(window, 'fetch', ([what, options]) => parting(options?.method ?? 'GET', what?.url ?? what, options?.body));
  watchMethod(XMLHttpRequest.prototype, 'open', function ([method, url]) { opened.set(this, [method, url]); });
  watchMethod(XMLHttpRequest.prototype, 'send', function ([body]) { if (opened.has(this)) parting(...opened.get(this), body); });
  window.addEventListener('beforeunload', () => { if (!said) queueMicrotask(farewell); });
  for (const name of ['pagehide', 'visibilitychange', 'unload']) {
    window.addEventListener(name, (event) => {
      if (event.isTrusted && said) event.stopImmediatePropagation();
      else if (event.isTrusted) flush();
    }, true);
  }
})();
//# sourceURL=consentinel-hooks.js
