import type { RunDetail } from "../../api/types";

const shares = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 });
const seconds = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
const prices = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

/** Counts that are shown as pictures of their own. */
const PICTURED = /^(length_upto|language)_/;
/** Of so little time no rate can be told. */
const SHORTEST_S = 0.01;

/** "14.1%"; what is there is never told as nothing. */
export function shareText(share: number): string {
  return share > 0 && share < 0.0005 ? "under 0.1%" : shares.format(share);
}

export const secondsText = (value: number): string =>
  value < SHORTEST_S ? "under 0.01 s" : `${seconds.format(value)} s`;

/** A price in the operators' unit, which the platform does not name. */
export const priceText = (value: number): string => prices.format(value);

export function rateText(spent: number, rate: number | null): string {
  return rate === null || spent < SHORTEST_S ? "–" : `${prices.format(rate)} MB/s`;
}

/** What the steps counted, beside what has a picture: `packed_tokens` as "packed tokens". */
export function countsOf({ counts }: RunDetail): [string, number][] {
  return Object.entries(counts)
    .filter(([name]) => !PICTURED.test(name))
    .map(([name, value]) => [name.replaceAll("_", " "), value]);
}
