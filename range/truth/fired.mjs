/** Which components were proven to fire, over all truth files of a folder. */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const FILES_AT_ONCE = 200;
const VISIT = '{"what":"visit"';

const sorted = (counts) => Object.fromEntries(Object.entries(counts).sort(([one], [other]) => (one < other ? -1 : 1)));
const addTo = (counts, more) => {
  for (const [component, count] of Object.entries(more)) counts[component] = (counts[component] ?? 0) + count;
};

/**
 * @returns {requests: {component: requests that arrived}, answers: {consent manager: times that its state was read back},
 *   silent: components of the visited sites with neither}, sorted by name.
 */
export async function firedIn(folder) {
  const files = readdirSync(folder).filter((name) => name.endsWith('.truth.ndjson.zst')).sort().map((name) => join(folder, name));
  const requests = {};
  const answers = {};
  const expected = new Set();
  for (let at = 0; at < files.length; at += FILES_AT_ONCE) {
    const child = spawn('zstd', ['-dcq', ...files.slice(at, at + FILES_AT_ONCE)], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = new Promise((resolve, reject) => child.on('error', reject).on('close', (code) => (
      code === 0 ? resolve() : reject(new Error(`a truth file in ${folder} cannot be unpacked; delete it and run again`)))));
    for await (const line of createInterface({ input: child.stdout })) {
      if (!line.startsWith(VISIT)) continue;
      const { components, fired, answered } = JSON.parse(line);
      for (const { component } of components) expected.add(component);
      addTo(requests, fired);
      addTo(answers, answered);
    }
    await ended;
  }
  const silent = [...expected].filter((name) => !requests[name] && !answers[name]).sort();
  return { requests: sorted(requests), answers: sorted(answers), silent };
}
