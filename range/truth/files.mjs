/** Files that are whole or not there at all: written beside, then renamed. */
import { spawn } from 'node:child_process';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Writes bytes or text as FOLDER/name. */
export function keep(folder, name, bytes) {
  const part = join(folder, `.${name}.${process.pid}.part`);
  writeFileSync(part, bytes);
  renameSync(part, join(folder, name));
}

/** Compresses text with the zstd program, beside the event loop. */
export function zstd(text) {
  return new Promise((resolve, reject) => {
    const child = spawn('zstd', ['-6', '-q', '-c'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const chunks = [];
    child.on('error', (cause) => reject(cause.code === 'ENOENT'
      ? new Error('the program zstd is not there; install it (Debian: apt-get install zstd)', { cause }) : cause));
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.on('close', (code) => (code === 0 ? resolve(Buffer.concat(chunks)) : reject(new Error(`zstd ended with ${code}`))));
    child.stdin.on('error', () => {}); // told by the exit status
    child.stdin.end(text);
  });
}
