import type { Link, Site, Store } from "../../api/types";
import { bytes, moment } from "../../ui/format";

const WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const sums = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
const prices = new Intl.NumberFormat("en", { maximumFractionDigits: 6 });

/** Money in the operators' unit, which the platform does not name. */
export function money(value: number): string {
  return value > 0 && value < 0.01 ? "under 0.01" : sums.format(value);
}

/** The price of one unit, as it was declared. */
export const price = (value: string): string => prices.format(Number(value));

export const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** "mon to fri 22:00 to 06:00, 10.0 MB/s". */
export function windowText(window: Site["windows"][number]): string {
  const pace = window.bytes_per_second === null ? "" : `, ${bytes(window.bytes_per_second)}/s`;
  return `${daysText(window.days)} ${window.from} to ${window.to} UTC${pace}`;
}

function daysText(days: string[]): string {
  const places = days.map((day) => WEEK.indexOf(day)).toSorted((a, b) => a - b);
  const first = places[0] ?? 0;
  const last = places.at(-1) ?? 0;
  if (places.length === WEEK.length) return "every day";
  const inARow = places.length > 2 && last - first === places.length - 1;
  if (inARow) return `${WEEK[first]} to ${WEEK[last]}`;
  return places.map((place) => WEEK[place]).join(", ");
}

/** Whether bytes may pass now, and until or from when. */
export function contactText({ contact }: Site): string {
  if (contact.open) return contact.until ? `open until ${moment(contact.until)}` : "always open";
  return contact.next ? `opens ${moment(contact.next)}` : contact.reason || "closed";
}

export function healthOf(store: Store): string {
  if (store.quarantined_at) return "quarantined";
  return store.reachable ? "reachable" : "unreachable";
}

/** What a link may carry together, and at once. */
export function limitText(link: Link): string {
  const parts = [
    ...(link.bytes_per_second === null ? [] : [`${bytes(link.bytes_per_second)}/s`]),
    ...(link.slots === null ? [] : [`${link.slots} at once`]),
  ];
  return parts.join(", ") || "none";
}
