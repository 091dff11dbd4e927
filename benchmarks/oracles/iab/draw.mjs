// Seeded draws of everything that a consent string may hold.

// mulberry32: a small generator that gives the same draws on every machine.
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class Draw {
  constructor(seed) {
    this.unit = seeded(seed);
  }
  int(low, high) {
    return low + Math.floor(this.unit() * (high - low + 1));
  }
  one(items) {
    return items[this.int(0, items.length - 1)];
  }
  chance(p) {
    return this.unit() < p;
  }
  // 2018 to 2035 in tenths of a second, the resolution of the format
  date() {
    return new Date(this.int(15_148_000_000, 20_510_000_000) * 100);
  }
  subset(n, p = this.one([0, 0.1, 0.5, 0.9, 1])) {
    return Array.from({ length: n }, (_, i) => i + 1).filter(() => this.chance(p));
  }
  // empty, a few, neighbouring runs, dense, everyone, or ids up to the highest that the format can hold
  vendors() {
    const form = this.one(["none", "few", "few", "runs", "runs", "dense", "all", "high"]);
    const top = this.int(1, 1500);
    if (form === "none") return [];
    if (form === "few") return this.distinct(this.int(1, 12), top);
    if (form === "high") return this.distinct(this.int(1, 5), 65_535);
    if (form === "dense") return this.subset(top, 0.5);
    if (form === "all") return this.subset(top, 1);
    const ids = new Set();
    for (let runs = this.int(1, 8); runs > 0; runs--) {
      const first = this.int(1, top);
      for (let id = first; id <= first + this.int(0, 60); id++) ids.add(id);
    }
    return [...ids].sort((a, b) => a - b);
  }
  distinct(n, top) {
    return [...new Set(Array.from({ length: n }, () => this.int(1, top)))].sort((a, b) => a - b);
  }
  // cut off somewhere, or one character replaced, sometimes by one that no such string has
  damaged(text) {
    const at = this.int(1, text.length - 1);
    if (this.chance(0.5)) return text.slice(0, at);
    const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" + (this.chance(0.2) ? ".~!+ " : "");
    return text.slice(0, at) + this.one([...letters]) + text.slice(at + 1);
  }
}
