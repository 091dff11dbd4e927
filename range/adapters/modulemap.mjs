/** Which module of a bundle a call stack's line and column belong to, from the bundle's source map (ECMA-426). */

const DIGITS = new Map([...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'].map((char, i) => [char, i]));

/** The numbers of one segment of a mapping, in Base64 VLQ. */
function numbers(segment) {
  const out = [];
  for (let i = 0, value = 0, shift = 0; i < segment.length; i += 1) {
    const digit = DIGITS.get(segment[i]);
    value += (digit & 31) * 2 ** shift;
    shift += 5;
    if (digit & 32) continue;
    out.push(value & 1 ? -Math.floor(value / 2) : value / 2);
    value = 0;
    shift = 0;
  }
  return out;
}

/** node_modules/prebid.js/dist/modules/x.js -> prebid.js/modules/x; anything else keeps its path from node_modules on. */
function moduleName(source) {
  const path = source.replace(/^.*node_modules\//, '').replace(/^(?:\.\.?\/)+/, '').replace(/\.[cm]?[jt]sx?$/, '');
  return path.replace(/^prebid\.js\/dist\//, 'prebid.js/').replace(/\/index$/, '');
}

/**
 * @param map a parsed source map, version 3.
 * @returns {modules, starts}: starts lists [line, column, module] in order, each where another module's code begins;
 *   lines and columns count from 1 as in call stacks, module is an index into modules.
 */
export function moduleMap(map) {
  const modules = [];
  const indexOf = new Map();
  const ids = map.sources.map((source) => {
    const name = moduleName(source);
    if (!indexOf.has(name)) indexOf.set(name, modules.push(name) - 1);
    return indexOf.get(name);
  });
  const starts = [];
  let source = 0;
  map.mappings.split(';').forEach((row, line) => {
    let column = 0;
    for (const segment of row ? row.split(',') : []) {
      const [step, change] = numbers(segment);
      column += step;
      source += change ?? 0;
      if (starts.at(-1)?.[2] !== ids[source]) starts.push([line + 1, column + 1, ids[source]]);
    }
  });
  return { modules, starts };
}

/** The module of a position in a script, or null before the first one. */
export function moduleAt({ modules, starts }, line, column) {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const [startLine, startColumn] = starts[middle];
    if (startLine < line || (startLine === line && startColumn <= column)) low = middle + 1;
    else high = middle;
  }
  return low ? modules[starts[low - 1][2]] : null;
}
