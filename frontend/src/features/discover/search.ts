/** What the address of the discover page says. */
export interface DiscoverSearch {
  q?: string;
  domain?: string;
  license?: string;
  format?: string;
}

const KEYS = ["q", "domain", "license", "format"] as const;

export function readDiscover(search: Record<string, unknown>): DiscoverSearch {
  const pairs = KEYS.flatMap((key) => {
    const value = search[key];
    return typeof value === "string" && value ? [[key, value]] : [];
  });
  return Object.fromEntries(pairs) as DiscoverSearch;
}
