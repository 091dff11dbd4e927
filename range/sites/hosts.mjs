/** Hosts that serve files to every site: pictures and fonts. They learn what any host learns of a reader, and no more. */
import { readFileSync } from 'node:fs';

export const IMAGE_HOST = 'images.edge-cdn.test';

/** The address of a font file of an installed @fontsource package on jsDelivr. */
export function fontAddress({ package: name, file }, weight) {
  const { version } = JSON.parse(readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url), 'utf8'));
  return `https://cdn.jsdelivr.net/npm/${name}@${version}/files/${file}-${weight}-normal.woff2`;
}
