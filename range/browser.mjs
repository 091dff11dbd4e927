/** Finds Chromium and starts it so that every host name leads to our own server and no call of its own goes astray. */
import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/** The path of the browser: CONSENTINEL_CHROMIUM, or the first of the usual names on PATH. */
export function findChromium() {
  const asked = process.env.CONSENTINEL_CHROMIUM;
  const folders = (process.env.PATH ?? '').split(delimiter);
  const candidates = asked ? [asked] : NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  const found = candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (found) return found;
  throw new Error(asked
    ? `CONSENTINEL_CHROMIUM names ${asked}, which is not a program that can be run. Name the browser binary itself.`
    : 'no Chromium was found on PATH. Install one (Debian: apt-get install chromium) or name it in CONSENTINEL_CHROMIUM.');
}

/** What a Chromium of this version calls itself when it has a window. */
function userAgent(executablePath) {
  const options = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] };
  const major = execFileSync(executablePath, ['--version', '--no-sandbox'], options).match(/(\d+)\.\d+\.\d+/)?.[1];
  if (!major) throw new Error(`${executablePath} --version does not say a version: is it Chromium?`);
  return `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${major}.0.0.0 Safari/537.36`;
}

/** Starts the browser for one visit; plan is one of SCENARIOS. */
export async function launch(executablePath, port, { locale, gpc }) {
  const args = [
    '--no-sandbox', `--host-resolver-rules=MAP * 127.0.0.1:${port}`, '--ignore-certificate-errors', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-default-apps',
    '--disable-site-isolation-trials', // frames of other sites stay in the page's process, where the one session sees them
    `--user-agent=${userAgent(executablePath)}`, `--lang=${locale}`, `--accept-lang=${locale}`,
    ...(gpc ? ['--enable-features=GlobalPrivacyControlForce'] : []),
  ];
  try {
    return await chromium.launch({ executablePath, args });
  } catch (cause) {
    throw new Error(`${executablePath} did not start: ${cause.message.split('\n')[0]}`, { cause });
  }
}
