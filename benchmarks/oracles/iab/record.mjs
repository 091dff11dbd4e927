// node record.mjs tc|gpp N SEED OUT: N drawn strings, every tenth damaged, each with what the reference says about it.
import { createWriteStream } from "node:fs";
import { Draw } from "./draw.mjs";
import { gppString } from "./gpp.mjs";
import { judged } from "./reference.mjs";
import { tcString } from "./tc.mjs";

const [kind, n, seed, to] = process.argv.slice(2);
const draw = new Draw(Number(seed));
const out = createWriteStream(to);
for (let i = 0; i < Number(n); i++) {
  const text = kind === "tc" ? tcString(draw) : gppString(draw, i);
  const damaged = i % 10 === 9;
  out.write(JSON.stringify(judged(kind, damaged ? draw.damaged(text) : text, { damaged })) + "\n");
}
out.end();
