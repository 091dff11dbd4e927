// Gives the page the device of the profile where Chromium has no emulation of it; runs in every frame before its scripts.
(mask, { memory, screen, webgl, canvas }) => {
  const getter = (prototype, name, value) => {
    const descriptor = Object.getOwnPropertyDescriptor(prototype, name);
    if (descriptor?.get) Object.defineProperty(prototype, name, { ...descriptor, get: mask({ get() { return value; } }.get, descriptor.get) });
  };
  const method = (prototype, name, make) => {
    const original = prototype?.[name];
    if (original) prototype[name] = mask(make(original), original);
  };

  getter(Navigator.prototype, 'deviceMemory', memory);
  getter(Navigator.prototype, 'platform', 'MacIntel');
  for (const name of ['width', 'height', 'availWidth', 'availHeight']) getter(Screen.prototype, name, screen[name]);
  for (const name of ['colorDepth', 'pixelDepth']) getter(Screen.prototype, name, screen.depth);

  const named = { 0x9245: webgl.vendor, 0x9246: webgl.renderer }; // WEBGL_debug_renderer_info, UNMASKED_*_WEBGL
  for (const context of [globalThis.WebGLRenderingContext, globalThis.WebGL2RenderingContext]) {
    method(context?.prototype, 'getParameter', (original) => function (parameter) {
      return named[parameter] ?? original.call(this, parameter);
    });
  }

  // Every device draws a little differently: the level changes the lowest bits of the drawn pixels, the same each time.
  const { getImageData, putImageData } = CanvasRenderingContext2D.prototype;
  const tint = ({ data }) => {
    for (let at = 0; at < data.length; at += 4) {
      if (data[at + 3]) data[at] ^= (at >> 2) % (canvas + 2) === 0 ? canvas + 1 : 0;
    }
  };
  const tinted = (element) => {
    if (!element.width || !element.height || element.width * element.height > 2 ** 22) return element;
    const copy = document.createElement('canvas');
    copy.width = element.width;
    copy.height = element.height;
    const context = copy.getContext('2d');
    context.drawImage(element, 0, 0);
    const image = getImageData.call(context, 0, 0, copy.width, copy.height);
    tint(image);
    putImageData.call(context, image, 0, 0);
    return copy;
  };
  method(HTMLCanvasElement.prototype, 'toDataURL', (original) => function (...args) {
    return original.apply(tinted(this), args);
  });
  method(HTMLCanvasElement.prototype, 'toBlob', (original) => function (...args) {
    return original.apply(tinted(this), args);
  });
  method(CanvasRenderingContext2D.prototype, 'getImageData', (original) => function (...args) {
    const image = original.apply(this, args);
    tint(image);
    return image;
  });
}
