// Fails when the portal grows past what a first visit should cost.
// Initial: the entry and all it imports statically. Lazy: what a route or tab adds to the page that
// opens it.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const INITIAL_KB = 180;
const LAZY_KB = 70;
const DIST = new URL("../dist/", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL("manifest.json", DIST), "utf8"));

const gzippedKb = (file) => gzipSync(readFileSync(new URL(file, DIST))).length / 1000;

function staticImports(key, found = new Set()) {
  if (found.has(key)) return found;
  found.add(key);
  for (const next of manifest[key].imports ?? []) staticImports(next, found);
  return found;
}

/** What a visitor has when this chunk is asked for: the entry, and the page that asks. */
function loadedBefore(key) {
  const found = new Set(initial);
  for (const [parent, chunk] of Object.entries(manifest)) {
    if (!(chunk.dynamicImports ?? []).includes(key) || initial.has(parent)) continue;
    for (const one of [...staticImports(parent), ...loadedBefore(parent)]) found.add(one);
  }
  return found;
}

const entry = Object.keys(manifest).find((key) => manifest[key].isEntry);
const initial = staticImports(entry);
const sizeOf = (keys) => [...keys].reduce((sum, key) => sum + gzippedKb(manifest[key].file), 0);

const rows = [["initial", sizeOf(initial), INITIAL_KB]];
for (const [key, chunk] of Object.entries(manifest)) {
  if (!chunk.isDynamicEntry) continue;
  const before = loadedBefore(key);
  rows.push([key, sizeOf([...staticImports(key)].filter((one) => !before.has(one))), LAZY_KB]);
}

let failed = false;
for (const [name, size, limit] of rows) {
  const over = size > limit;
  failed ||= over;
  console.log(`${over ? "OVER" : "ok  "} ${size.toFixed(1).padStart(7)} kB of ${limit}  ${name}`);
}
process.exit(failed ? 1 : 0);
