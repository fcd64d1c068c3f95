import type { Inclusion } from "../../../api/types";

/** `unchecked`: this page did not come over https, so the browser lends it no hash function. */
export type Outcome = "verified" | "broken" | "unchecked";

/**
 * Whether the entry, hashed with its proof, gives the root that the signed checkpoint holds.
 * Source: RFC 9162 section 2.1.
 */
export async function verify(found: Inclusion): Promise<Outcome> {
  if (!globalThis.crypto?.subtle) return "unchecked";
  const { size, checkpoint, root } = found;
  if (size === checkpoint.size && root !== checkpoint.root) return "broken";
  const steps = stepsOf(found);
  if (!steps) return "broken";
  const leaf = sha256(0, new TextEncoder().encode(found.entry));
  const hash = await steps.reduce(
    async (below, { sibling, left }) =>
      left ? sha256(1, sibling, await below) : sha256(1, await below, sibling),
    leaf,
  );
  return toHex(hash) === root ? "verified" : "broken";
}

interface Step {
  sibling: Uint8Array;
  /** Whether the sibling stands before what has been hashed so far. */
  left: boolean;
}

/** The way from the leaf to the root; null when the proof is not as long as the way. */
function stepsOf({ position, size, proof }: Inclusion): Step[] | null {
  const sides: boolean[] = [];
  let start = 0;
  let end = size;
  while (end - start > 1) {
    const middle = start + largestPowerBelow(end - start);
    sides.unshift(position >= middle);
    if (position < middle) end = middle;
    else start = middle;
  }
  if (sides.length !== proof.length) return null;
  return proof.map((part, index) => ({ sibling: fromHex(part), left: sides[index] === true }));
}

/** The largest power of two that is less than `size`: where a tree is split. */
function largestPowerBelow(size: number): number {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
}

async function sha256(kind: 0 | 1, ...parts: Uint8Array[]): Promise<Uint8Array> {
  const bytes = Uint8Array.from([kind, ...parts.flatMap((part) => [...part])]);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

const fromHex = (text: string): Uint8Array =>
  Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

const toHex = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
