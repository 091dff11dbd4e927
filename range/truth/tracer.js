// Reports who reads a device property or an identifier, who stores what, and who sends what in the clear, before any
// encoding of the transport. Runs in every frame before its scripts; truth/visit.mjs maps the frames to components.
(mask, planted) => {
  const FRAMES = 8; // of the call stack; the first of a further script are kept too
  const emit = globalThis.__truthline;
  if (!emit) return;
  delete globalThis.__truthline;
  // A frame that was removed loses its globals, while SDKs go on using what they took from it: hence all that a send needs.
  const { URL, URLSearchParams, Error, String, Object, Array, Uint8Array, ArrayBuffer, TextEncoder, XMLSerializer, btoa, document } = globalThis;
  const { stringify } = JSON;
  const { now } = Date;
  const later = globalThis.setTimeout.bind(globalThis);
  const includes = Function.prototype.call.bind(String.prototype.includes);

  const queue = [];
  const reads = new Map();
  let waiting = false;
  let upward; // SDKs take functions from a frame that they then remove; from there only the page around it can tell
  try {
    if (globalThis.parent !== globalThis) upward = globalThis.parent.__truth;
  } catch { /* a frame of another site */ }
  function flush() {
    waiting = false;
    for (const read of reads.values()) queue.push(read);
    reads.clear();
    const events = queue.splice(0);
    if (globalThis.closed && upward) events.forEach((event) => upward(event));
    else if (events.length) emit(stringify(events));
  }
  let leaving = false; // a page that goes away has no later: what is noted then is told at once
  function wake() {
    if (leaving || globalThis.closed) return flush();
    if (!waiting) later(flush, 50);
    waiting = true;
  }
  function note(event) {
    queue.push({ t: now() / 1000, ...event });
    wake();
  }
  for (const name of ['beforeunload', 'pagehide']) globalThis.addEventListener(name, () => { leaving = true; flush(); });
  globalThis.addEventListener('pageshow', () => { leaving = false; });
  Object.defineProperty(globalThis, '__truth', { value: (event) => note(event) });

  /** The page's scripts on the call stack, innermost first, as "address:line:column". */
  function frames() {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 30;
    const { stack } = new Error();
    Error.stackTraceLimit = limit;
    const found = [];
    let last = '';
    for (const line of typeof stack === 'string' ? stack.split('\n') : []) {
      const frame = line.match(/(https?:\/\/[^\s()]+:\d+:\d+)\)?$/)?.[1];
      if (!frame) continue;
      const script = frame.replace(/:\d+:\d+$/, '');
      if (found.length < FRAMES || script !== last) found.push(frame);
      last = script;
    }
    return found.slice(0, 2 * FRAMES);
  }

  /** Counts a read by who reads: one line for each place in the code. */
  function read(props) {
    const stack = frames();
    if (!stack.length) return; // the browser itself, or this tracer
    const key = `${props}|${stack.join(' ')}`;
    const known = reads.get(key);
    if (known) known.n += 1;
    else reads.set(key, { what: 'read', t: now() / 1000, props, stack, n: 1 });
    wake();
  }

  const wrapGetter = (owner, name, onGet) => {
    const descriptor = owner && Object.getOwnPropertyDescriptor(owner, name);
    if (!descriptor?.get) return;
    const get = mask({ get() { const value = descriptor.get.call(this); onGet.call(this, value); return value; } }.get, descriptor.get);
    Object.defineProperty(owner, name, { ...descriptor, get });
  };
  const wrapSetter = (owner, name, onSet) => {
    const descriptor = owner && Object.getOwnPropertyDescriptor(owner, name);
    if (!descriptor?.set) return;
    const set = mask({ set(value) { onSet.call(this, value); descriptor.set.call(this, value); } }.set, descriptor.set);
    Object.defineProperty(owner, name, { ...descriptor, set });
  };
  /** before(args) runs ahead of the method; it must never throw into the page. */
  const wrapMethod = (owner, name, before) => {
    const original = owner?.[name];
    if (typeof original !== 'function') return;
    owner[name] = mask({ method(...args) {
      try { before.call(this, ...args); } catch { /* arguments that the original will refuse itself */ }
      return original.apply(this, args);
    } }.method, original);
  };
  const wrapResult = (owner, name, after) => {
    const original = owner?.[name];
    if (typeof original !== 'function') return;
    owner[name] = mask({ method(...args) {
      const result = original.apply(this, args);
      after.call(this, result, ...args);
      return result;
    } }.method, original);
  };
  const wrapConstructor = (name, after) => {
    const original = globalThis[name];
    if (!original) return;
    const wrapped = new Proxy(original, {
      construct(target, args, newTarget) {
        const made = Reflect.construct(target, args, newTarget);
        try { after(made, ...args); } catch { /* arguments in a form that holds nothing to follow */ }
        return made;
      },
    });
    Object.defineProperty(globalThis, name, { value: wrapped, writable: true, configurable: true });
    original.prototype.constructor = wrapped;
  };

  // A choice counts from the click that made it; the consent manager stores and announces it a moment later.
  globalThis.addEventListener('click', () => note({ what: 'click' }), true);

  // Reads of the device.
  const GETTERS = [
    [Navigator.prototype, ['hardwareConcurrency'], ['cores']],
    [Navigator.prototype, ['deviceMemory'], ['memory']],
    [Navigator.prototype, ['language', 'languages'], ['languages']],
    [Navigator.prototype, ['userAgent', 'appVersion'], ['ua_version', 'os_version']],
    [globalThis.NavigatorUAData?.prototype, ['brands'], ['ua_version']],
    [Screen.prototype, ['width', 'height', 'availWidth', 'availHeight', 'colorDepth', 'pixelDepth'], ['screen']],
    [globalThis, ['innerWidth', 'innerHeight', 'outerWidth', 'outerHeight'], ['screen']],
    [globalThis.VisualViewport?.prototype, ['width', 'height'], ['screen']],
    [globalThis, ['devicePixelRatio'], ['dpr']],
  ];
  for (const [owner, names, props] of GETTERS) for (const name of names) wrapGetter(owner, name, () => read(props));
  const isViewport = (element) => element === document.documentElement || element === document.body;
  for (const name of ['clientWidth', 'clientHeight']) {
    wrapGetter(Element.prototype, name, function () { if (isViewport(this)) read(['screen']); });
  }
  wrapMethod(globalThis, 'matchMedia', (query) => {
    if (/width|height/.test(query)) read(['screen']);
    if (/resolution|pixel-ratio/.test(query)) read(['dpr']);
  });
  wrapMethod(globalThis.NavigatorUAData?.prototype, 'getHighEntropyValues', () => read(['ua_version', 'os_version']));
  wrapMethod(globalThis.NavigatorUAData?.prototype, 'toJSON', () => read(['ua_version']));
  for (const name of ['getTimezoneOffset', 'toString', 'toTimeString']) wrapMethod(Date.prototype, name, () => read(['timezone']));
  wrapMethod(Intl.DateTimeFormat.prototype, 'resolvedOptions', () => read(['timezone', 'languages']));
  wrapMethod(globalThis.Geolocation?.prototype, 'getCurrentPosition', () => read(['latitude', 'longitude']));
  wrapMethod(globalThis.Geolocation?.prototype, 'watchPosition', () => read(['latitude', 'longitude']));
  for (const context of [globalThis.WebGLRenderingContext, globalThis.WebGL2RenderingContext]) {
    wrapMethod(context?.prototype, 'getParameter', (which) => { if (which === 0x9245 || which === 0x9246) read(['webgl']); });
  }
  wrapMethod(HTMLCanvasElement.prototype, 'toDataURL', () => read(['canvas']));
  wrapMethod(HTMLCanvasElement.prototype, 'toBlob', () => read(['canvas']));
  wrapMethod(CanvasRenderingContext2D.prototype, 'getImageData', () => read(['canvas']));

  // Reads of what identifies the person: any place that hands out a planted value.
  const names = Object.keys(planted);
  function seen(value) {
    if (typeof value !== 'string' || value.length < 8) return;
    const found = names.filter((name) => includes(value, planted[name]) || includes(value, encodeURIComponent(planted[name])));
    if (found.length) read(found);
  }
  wrapGetter(Document.prototype, 'cookie', seen);
  wrapGetter(HTMLInputElement.prototype, 'value', seen);
  wrapResult(Storage.prototype, 'getItem', seen);
  wrapResult(FormData.prototype, 'get', seen);

  // Writes to storage.
  const store = (kind, key, value) => note({ what: 'store', kind, key: String(key), value: String(value).slice(0, 4096), stack: frames() });
  wrapSetter(Document.prototype, 'cookie', (written) => {
    const [pair] = String(written).split(';');
    const cut = pair.indexOf('=');
    store('cookie', pair.slice(0, Math.max(cut, 0)).trim(), pair.slice(cut + 1).trim());
  });
  wrapMethod(globalThis.CookieStore?.prototype, 'set', (first, second) => store('cookie', first?.name ?? first, first?.value ?? second));
  wrapMethod(Storage.prototype, 'setItem', function (key, value) { store(this === globalThis.localStorage ? 'local' : 'session', key, value); });
  for (const name of ['put', 'add']) {
    wrapMethod(IDBObjectStore.prototype, name, function (value, key) { store('indexeddb', `${this.name}/${key ?? ''}`, stringify(value)); });
  }

  // Sends, with the body as it was before the browser packed it.
  const parts = new WeakMap(); // Blob -> what it was made of
  const bodies = new WeakMap(); // Request -> its body
  const kindOf = (value) => Object.prototype.toString.call(value).slice(8, -1); // also of values from another frame
  const isBlob = (value) => kindOf(value) === 'Blob' || kindOf(value) === 'File';
  const bytesOf = (part) => {
    if (!ArrayBuffer.isView(part)) return new Uint8Array(part.slice(0));
    return new Uint8Array(part.buffer, part.byteOffset, part.byteLength).slice();
  };
  wrapConstructor('Blob', (blob, made = []) => parts.set(blob, Array.from(made, (part) => {
    if (isBlob(part)) return parts.get(part) ?? [];
    return kindOf(part) === 'ArrayBuffer' || ArrayBuffer.isView(part) ? bytesOf(part) : String(part);
  }).flat()));
  wrapConstructor('Request', (request, input, init) => {
    const body = init?.body ?? bodies.get(input);
    if (body != null) bodies.set(request, body);
  });
  function base64(chunks) {
    let binary = '';
    for (const chunk of chunks) {
      const bytes = typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk;
      for (let at = 0; at < bytes.length; at += 8192) binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
    }
    return btoa(binary);
  }
  function plain(body) {
    if (body == null) return {};
    if (typeof body === 'string') return { body };
    if (isBlob(body)) {
      const made = parts.get(body);
      if (!made) return { opaque: true };
      return made.every((part) => typeof part === 'string') ? { body: made.join('') } : { body_b64: base64(made) };
    }
    if (kindOf(body) === 'ArrayBuffer' || ArrayBuffer.isView(body)) return { body_b64: base64([bytesOf(body)]) };
    if (kindOf(body) === 'FormData') {
      const fields = [...body].map(([name, value]) => [name, isBlob(value) ? plain(value).body ?? '' : value]);
      return { body: new URLSearchParams(fields).toString() };
    }
    if (kindOf(body).endsWith('Document')) return { body: new XMLSerializer().serializeToString(body) };
    if (kindOf(body) === 'ReadableStream') return { opaque: true };
    return { body: String(body) };
  }
  function send(via, url, method, body) {
    const address = new URL(url, document.baseURI).href;
    if (/^(https?|wss?):/.test(address)) note({ what: 'send', via, method, url: address, ...plain(body), stack: frames() });
  }
  const isRequest = (value) => kindOf(value) === 'Request';
  wrapMethod(globalThis, 'fetch', (input, init) => send(
    'fetch', isRequest(input) ? input.url : String(input),
    String(init?.method ?? (isRequest(input) ? input.method : 'GET')).toUpperCase(), init?.body ?? bodies.get(isRequest(input) ? input : {}),
  ));
  const opened = new WeakMap();
  wrapMethod(XMLHttpRequest.prototype, 'open', function (method, url) { opened.set(this, [String(method).toUpperCase(), String(url)]); });
  wrapMethod(XMLHttpRequest.prototype, 'send', function (body) { const [method, url] = opened.get(this); send('xhr', url, method, body); });
  wrapMethod(Navigator.prototype, 'sendBeacon', (url, data) => send('beacon', String(url), 'POST', data));
  const ELEMENTS = [[HTMLImageElement, 'img'], [HTMLScriptElement, 'script'], [HTMLIFrameElement, 'iframe']];
  for (const [element, via] of ELEMENTS) {
    wrapSetter(element.prototype, 'src', (url) => { try { send(via, String(url), 'GET'); } catch { /* no address */ } });
  }
  wrapMethod(Element.prototype, 'setAttribute', function (name, value) {
    if (String(name).toLowerCase() !== 'src') return;
    const kind = ELEMENTS.find(([element]) => this instanceof element);
    if (kind) send(kind[1], String(value), 'GET');
  });
  const sendForm = (form) => {
    const data = new FormData(form);
    if (form.method === 'post') return send('form', form.action, 'POST', data);
    return send('form', `${form.action.split('?')[0]}?${plain(data).body}`, 'GET');
  };
  wrapMethod(HTMLFormElement.prototype, 'submit', function () { sendForm(this); });
  globalThis.addEventListener('submit', (event) => { if (!event.defaultPrevented) sendForm(event.target); });
  wrapMethod(globalThis.WebSocket?.prototype, 'send', function (data) { send('ws', this.url, 'WS', data); });
  wrapConstructor('EventSource', (source, url) => send('other', String(url), 'GET'));
  wrapConstructor('Worker', (worker, url) => send('other', String(url), 'GET'));
}
