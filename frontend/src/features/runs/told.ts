import type { RunDetail } from "../../api/types";
import { lastPart } from "../../ui/format";

const percents = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const seconds = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
const prices = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

/** Counts that are shown as pictures of their own. */
const PICTURED = /^(length_upto|language)_/;
/** Of so little time no rate can be told. */
const SHORTEST_S = 0.01;

/** "14.1 %"; what is there is never told as nothing, and what is not all never as all. */
export function shareText(share: number): string {
  if (share > 0 && share < 0.0005) return "under 0.1 %";
  if (share < 1 && share >= 0.9995) return "over 99.9 %";
  return `${percents.format(share * 100)} %`;
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

/** "v=3" of the only input; of several also which product each version is of: "pages/v=3". */
export const readText = (inputs: readonly string[]): string =>
  inputs.length === 1
    ? inputs.map(lastPart).join()
    : inputs.map((name) => name.split("/").slice(-2).join("/")).join(", ");

/** How many records of all inputs could not be read; null until it is known. */
export const setAsideOf = ({ quarantined, looked_up: found }: RunDetail): number | null =>
  quarantined === null ? null : quarantined + (found?.quarantined ?? 0);
