// Runs before hooks.js: makes the browser say what the profile of this visit says, where the DevTools protocol cannot.
// PROFILE at the end is replaced by {memory, screen: {availWidth, availHeight, depth}, webgl: {vendor, renderer}, canvas, gpc}.
((profile) => {
  function say(owner, name, value) {
    const found = owner && Object.getOwnPropertyDescriptor(owner, name);
    if (owner && (found === undefined || found.configurable)) {
      Object.defineProperty(owner, name, { configurable: true, enumerable: true, get: { [name]() { return value; } }[name] });
    }
  }
  if (profile.memory !== undefined && 'deviceMemory' in Navigator.prototype) say(Navigator.prototype, 'deviceMemory', profile.memory);
  if (profile.gpc) say(Navigator.prototype, 'globalPrivacyControl', true);
  if (profile.screen) {
    say(Screen.prototype, 'availWidth', profile.screen.availWidth);
    say(Screen.prototype, 'availHeight', profile.screen.availHeight);
    say(Screen.prototype, 'colorDepth', profile.screen.depth);
    say(Screen.prototype, 'pixelDepth', profile.screen.depth);
  }
  if (profile.webgl) {
    const told = { 37445: profile.webgl.vendor, 37446: profile.webgl.renderer }; // UNMASKED_VENDOR_WEBGL, UNMASKED_RENDERER_WEBGL
    for (const type of [window.WebGLRenderingContext, window.WebGL2RenderingContext]) {
      if (!type) continue;
      const { getParameter } = type.prototype;
      type.prototype.getParameter = { getParameter(name) { return told[name] ?? getParameter.call(this, name); } }.getParameter;
    }
  }
  if (profile.canvas !== undefined) {
    const { getContext, toDataURL } = HTMLCanvasElement.prototype;
    const { getImageData, fillRect } = CanvasRenderingContext2D.prototype;
    const drawn = new WeakMap(); // canvas -> its 2d context, null once it is marked: two reads must say the same
    const mark = (canvas) => { // one pixel that nobody sees
      const context = drawn.get(canvas);
      if (!context) return;
      drawn.set(canvas, null);
      const before = context.fillStyle;
      context.fillStyle = `rgba(${10 + profile.canvas * 60}, 7, 7, 0.03)`;
      fillRect.call(context, 0, 0, 1, 1);
      context.fillStyle = before;
    };
    HTMLCanvasElement.prototype.getContext = { getContext(kind, ...args) {
      const context = getContext.call(this, kind, ...args);
      if (kind === '2d' && context && !drawn.has(this)) drawn.set(this, context);
      return context;
    } }.getContext;
    HTMLCanvasElement.prototype.toDataURL = { toDataURL(...args) { mark(this); return toDataURL.apply(this, args); } }.toDataURL;
    CanvasRenderingContext2D.prototype.getImageData = { getImageData(...args) { mark(this.canvas); return getImageData.apply(this, args); } }.getImageData;
  }
})(PROFILE);
