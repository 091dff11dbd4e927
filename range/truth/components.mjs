/** Which component a call stack belongs to: an SDK by the address of its script, an adapter by the module in the bundle. */
import { moduleAt } from '../adapters/modulemap.mjs';

const FRAME = /^(.*):(\d+):(\d+)$/;
const plainAddress = (url) => url.split(/[?#]/)[0];
const hostOf = (url) => URL.parse?.(url)?.hostname ?? (/^\w+:\/\/([^/:?#]+)/.exec(url)?.[1] ?? '');

/** Who made a request, as the DevTools protocol tells it (with asynchronous parents), as frames of the form of the tracer. */
export function framesOf(initiator) {
  const frames = [];
  for (let stack = initiator?.stack; stack; stack = stack.parent) {
    for (const { url, lineNumber, columnNumber } of stack.callFrames) {
      if (/^https?:/.test(url)) frames.push(`${url}:${lineNumber + 1}:${columnNumber + 1}`);
    }
  }
  if (!frames.length && initiator?.type === 'parser') {
    frames.push(`${initiator.url}:${(initiator.lineNumber ?? 0) + 1}:${(initiator.columnNumber ?? 0) + 1}`);
  }
  return frames;
}

/**
 * @param site host of the site: its own scripts and pages are the component "site".
 * @param scripts Map from script address to component.
 * @param owned Map from component to the addresses (scheme, host, perhaps a path) that it sends to.
 * @param bundles Map from the address of a prebid.js bundle to {moduleMap, owners: Map from module to component}.
 */
export function componentFinder({ site, scripts, owned, bundles }) {
  const claims = [...owned].flatMap(([component, addresses]) => addresses.map((address) => [address.toLowerCase(), component]));
  const times = (address) => claims.filter(([other]) => other === address).length;
  const owners = claims.filter(([address]) => times(address) === 1); // an address that two components share tells nothing
  const ownerOf = (url) => owners.find(([address]) => url.startsWith(address) && /^[/:?#]?$/.test(url[address.length] ?? ''))?.[1] ?? null;

  function ofFrame(frame) {
    const [, address, line, column] = FRAME.exec(frame) ?? [];
    if (!address) return null;
    const script = plainAddress(address);
    const bundle = bundles.get(script);
    if (bundle) return bundle.owners.get(moduleAt(bundle.moduleMap, Number(line), Number(column))) ?? 'prebid.js';
    if (scripts.has(script)) return scripts.get(script);
    const host = hostOf(script);
    if (host === site || host.endsWith(`.${site}`)) return 'site';
    return ownerOf(script); // a further script that the component loaded from its own host
  }

  /**
   * The component that a stack speaks for, or null. SDKs that watch the network stand between a sender and the browser,
   * so where the recipient belongs to one component of the stack, it is that one; else the innermost that is no host of others.
   */
  function ofStack(frames, url) {
    const found = frames.map(ofFrame).filter(Boolean);
    const recipient = url && ownerOf(url);
    if (recipient && found.includes(recipient)) return recipient;
    if (url && !recipient && hostOf(url) === site && found.includes('site')) return 'site';
    const innermost = found[0] ?? null;
    if (innermost === 'prebid.js') return found.find((name) => name.startsWith('prebid.js/')) ?? 'prebid.js';
    return innermost;
  }

  return { ofFrame, ofStack, ownerOf };
}

/** The addresses of the scripts on a stack, innermost first, each once. */
export const scriptsOf = (frames) => [...new Set(frames.map((frame) => plainAddress(FRAME.exec(frame)?.[1] ?? frame)))];
