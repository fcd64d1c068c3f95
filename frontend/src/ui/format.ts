const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"] as const;
const whole = new Intl.NumberFormat("en");
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const absolute = new Intl.DateTimeFormat("en", { dateStyle: "long", timeStyle: "long" });

/** What is not known yet. */
export const UNKNOWN = "–";

/** Bytes as people say them, in powers of 1000. */
export function bytes(value: number | null): string {
  if (value === null) return UNKNOWN;
  let rest = value;
  let unit = 0;
  while (rest >= 999.5 && unit < UNITS.length - 1) {
    rest /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || rest >= 100 ? 0 : 1;
  return `${rest.toFixed(digits)} ${UNITS[unit]}`;
}

export function count(value: number | null): string {
  return value === null ? UNKNOWN : whole.format(value);
}

/** "12.3K": for a headline; give the exact number as its title. */
export function compact(value: number | null): string {
  return value === null ? UNKNOWN : short.format(value);
}

/** "1 file", "3 files". */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** A length of time in the two largest units that say something. */
export function duration(seconds: number): string {
  if (seconds < 1) return "under 1 s";
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];

/** "3 minutes ago", "in 2 days"; `now` in milliseconds. */
export function ago(iso: string, now: number): string {
  const seconds = (new Date(iso).getTime() - now) / 1000;
  for (const [unit, size] of STEPS) {
    if (Math.abs(seconds) >= size) return relative.format(Math.round(seconds / size), unit);
  }
  if (seconds > 6) return `in ${Math.round(seconds)} seconds`;
  return seconds < -5 ? `${Math.round(-seconds)} seconds ago` : "just now";
}

export const moment = (iso: string): string => absolute.format(new Date(iso));

/** The last part of a name: what a person would call it. */
export function lastPart(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}
