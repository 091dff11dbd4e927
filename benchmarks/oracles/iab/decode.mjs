// node decode.mjs tc|gpp IN OUT: decode each line of IN (a string) with the reference into a line of OUT (JSON).
import { readFileSync, writeFileSync } from "node:fs";
import { judged } from "./reference.mjs";

const [kind, from, to] = process.argv.slice(2);
const texts = readFileSync(from, "utf8").split("\n").filter(Boolean);
writeFileSync(to, texts.map((text) => JSON.stringify(judged(kind, text)) + "\n").join(""));
