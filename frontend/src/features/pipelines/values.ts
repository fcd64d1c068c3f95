const CUT = 240;

/** A value as text: what is no string as JSON; a long one cut, unless it is wanted whole. */
export function shown(value: unknown, whole: boolean): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return whole || text.length <= CUT ? text : `${text.slice(0, CUT)}…`;
}

export const same = (one: unknown, other: unknown): boolean =>
  JSON.stringify(one) === JSON.stringify(other);
