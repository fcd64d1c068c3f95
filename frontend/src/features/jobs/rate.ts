interface Sample {
  at: number;
  done: number;
}

/** How fast a job is, and how long it still takes; undefined is not known. */
export interface Pace {
  rate?: number | undefined;
  left?: number | undefined;
}

const WINDOW_MS = 15_000;
const samples = new Map<string, Sample[]>();
const told = new Map<string, Pace & { at: number }>();

/** Remember how far a job was; called with every answer of the platform. */
export function noteProgress(id: string, done: number): void {
  const at = Date.now();
  const before = samples.get(id) ?? [];
  const wentBack = (before.at(-1)?.done ?? 0) > done;
  const kept = wentBack ? [] : before.filter((sample) => at - sample.at < WINDOW_MS);
  samples.set(id, [...kept, { at, done }]);
}

/** Remember the pace that the platform itself told of a job. */
export function notePace(id: string, rate: number | null, left: number | null): void {
  told.set(id, { rate: rate ?? undefined, left: left ?? undefined, at: Date.now() });
}

/** The pace that the platform told within the last 15 seconds, or else the one seen from here. */
export function paceOf(id: string, done: number, total: number): Pace {
  const known = told.get(id);
  if (known?.rate && Date.now() - known.at < WINDOW_MS) return known;
  const rate = rateSeen(id);
  return rate ? { rate, left: (total - done) / rate } : {};
}

/** Units a second over the last 15 seconds; undefined until the job was seen to get on. */
function rateSeen(id: string): number | undefined {
  const seen = samples.get(id) ?? [];
  const first = seen[0];
  const last = seen.at(-1);
  if (!first || !last || last.done <= first.done) return undefined;
  return ((last.done - first.done) * 1000) / (last.at - first.at);
}
