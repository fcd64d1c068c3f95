const CUT_CHARS = 240;
const CUT_LINES = 5;

/** A value as text: what is no string as JSON; a long one cut, unless it is wanted whole. */
export function shown(value: unknown, whole: boolean): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const first = text.split("\n").slice(0, CUT_LINES).join("\n").slice(0, CUT_CHARS);
  return whole || first === text ? text : `${first}…`;
}

export const same = (one: unknown, other: unknown): boolean =>
  JSON.stringify(one) === JSON.stringify(other);
