/** Whether a code family is for training or for test only, as the committed split says. */
import { readFileSync } from 'node:fs';

const { families } = JSON.parse(readFileSync(new URL('../split.json', import.meta.url), 'utf8'));

export function groupOf(family) {
  if (!families[family]) throw new Error(`split.json does not say the group of the family ${family}: draw it again with split.mjs`);
  return families[family];
}
