/** Drawn pictures for the pages, so that a site looks like one: each is an SVG fixed by its name. */
import { createHash } from 'node:crypto';

const numbers = (name) => [...createHash('sha256').update(name).digest()];
const hsl = (hue, saturation, light) => `hsl(${Math.round(hue) % 360} ${saturation}% ${light}%)`;
const svg = (body) => `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 480 320" preserveAspectRatio="xMidYMid slice">${body}</svg>`;

/** Hills, water or a skyline under a sky, for news and travel. */
function scene(n) {
  const hue = 190 + n[0] / 6;
  const hill = (base, height, light, at) => {
    const points = Array.from({ length: 13 }, (_, i) => `${i * 40},${base - (n[(i + at) % 32] / 255) * height}`).join(' L');
    return `<path d="M0,320 L${points} L480,320 Z" fill="${hsl(hue + 30 + at * 4, 28, light)}"/>`;
  };
  const houses = Array.from({ length: n[3] % 2 ? 7 : 0 }, (_, i) => {
    const height = 40 + n[i + 4] / 3;
    return `<rect x="${30 + i * 62}" y="${290 - height}" width="44" height="${height}" fill="${hsl(hue + 200, 18, 34 + i * 3)}"/>`
      + `<rect x="${40 + i * 62}" y="${304 - height}" width="8" height="10" fill="#ffe9a8"/><rect x="${56 + i * 62}" y="${304 - height}" width="8" height="10" fill="#ffe9a8"/>`;
  }).join('');
  return svg(`<defs><linearGradient id="s" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="${hsl(hue, 55, 62)}"/>`
    + `<stop offset="1" stop-color="${hsl(hue + 200, 70, 88)}"/></linearGradient></defs><rect width="480" height="320" fill="url(#s)"/>`
    + `<circle cx="${80 + n[1]}" cy="${60 + n[2] / 6}" r="26" fill="#fff6da"/>${hill(210, 90, 58, 1)}${hill(250, 70, 44, 5)}${houses}${hill(300, 40, 30, 9)}`);
}

/** A plate from above, for recipes. */
function dish(n) {
  const bits = Array.from({ length: 26 }, (_, i) => {
    const angle = (n[i] / 255) * Math.PI * 2;
    const far = (n[31 - i] / 255) * 78;
    return `<ellipse cx="${240 + Math.cos(angle) * far}" cy="${160 + Math.sin(angle) * far}" rx="${9 + n[i] / 14}" ry="${6 + n[31 - i] / 22}" `
      + `transform="rotate(${n[i]} ${240 + Math.cos(angle) * far} ${160 + Math.sin(angle) * far})" fill="${hsl([18, 42, 96, 8, 52][i % 5] + n[1] / 20, 68, 40 + (n[i] % 24))}"/>`;
  }).join('');
  return svg(`<rect width="480" height="320" fill="${hsl(28 + n[0] / 8, 26, 78)}"/><path d="M0,0 L480,70 L480,120 L0,50 Z" fill="rgba(255,255,255,.25)"/>`
    + `<circle cx="246" cy="168" r="138" fill="rgba(60,40,20,.18)"/><circle cx="240" cy="160" r="136" fill="#fbfaf6"/>`
    + `<circle cx="240" cy="160" r="104" fill="${hsl(38 + n[2] / 8, 58, 70)}"/>${bits}`);
}

const SHAPES = {
  vase: (hue) => `<path d="M200,70 h80 l-14,54 q60,40 34,130 q-10,26 -60,26 q-50,0 -60,-26 q-26,-90 34,-130 Z" fill="${hsl(hue, 34, 46)}"/>`,
  lamp: (hue) => `<path d="M170,60 h140 l46,110 h-232 Z" fill="${hsl(hue, 34, 46)}"/><rect x="232" y="170" width="16" height="92" fill="#5b4a3a"/>`
    + '<rect x="186" y="260" width="108" height="16" rx="8" fill="#5b4a3a"/>',
  bag: (hue) => `<path d="M150,130 h180 l18,150 h-216 Z" fill="${hsl(hue, 34, 46)}"/>`
    + `<path d="M190,130 q0,-70 50,-70 q50,0 50,70" fill="none" stroke="${hsl(hue, 30, 32)}" stroke-width="12"/>`,
  bowl: (hue) => `<path d="M110,140 h260 q-6,130 -130,130 q-124,0 -130,-130 Z" fill="${hsl(hue, 34, 46)}"/>`
    + `<ellipse cx="240" cy="140" rx="130" ry="22" fill="${hsl(hue, 30, 62)}"/>`,
};

/** A vase, lamp, bag or bowl on a plain ground, for shops. */
const product = (shape) => (n) => {
  const hue = n[0] * 1.4;
  return svg(`<rect width="480" height="320" fill="${hsl(hue + 40, 24, 92)}"/><rect y="252" width="480" height="68" fill="${hsl(hue + 40, 20, 85)}"/>`
    + `<ellipse cx="244" cy="282" rx="110" ry="14" fill="rgba(40,30,20,.16)"/>${SHAPES[shape](hue)}`);
};

/** A book cover, for libraries. */
function cover(n) {
  const hue = n[0] * 1.4;
  return svg(`<rect width="480" height="320" fill="${hsl(hue, 18, 90)}"/><rect x="150" y="24" width="180" height="272" rx="4" fill="${hsl(hue, 42, 38)}"/>`
    + `<rect x="150" y="24" width="16" height="272" fill="rgba(0,0,0,.22)"/><circle cx="${220 + n[1] / 5}" cy="${120 + n[2] / 5}" r="${26 + n[3] / 8}" fill="${hsl(hue + 160, 52, 68)}"/>`
    + '<rect x="186" y="236" width="124" height="9" fill="#fff"/><rect x="206" y="256" width="84" height="6" fill="rgba(255,255,255,.7)"/>');
}

const KINDS = { scene, dish, cover, ...Object.fromEntries(Object.keys(SHAPES).map((shape) => [shape, product(shape)])) };

/** The picture at this path, such as /shop.test/vase/3.svg, or null where it names none. */
export function picture(path) {
  const [, kind] = path.match(/^\/[\w.-]+\/(\w+)\/[\w-]+\.svg$/) ?? [];
  return Object.hasOwn(KINDS, kind ?? '') ? KINDS[kind](numbers(path)) : null;
}
