interface Sample {
  at: number;
  done: number;
}

const WINDOW_MS = 15_000;
const samples = new Map<string, Sample[]>();

/** Remember how far a job was; called with every answer of the platform. */
export function noteProgress(id: string, done: number): void {
  const at = Date.now();
  const before = samples.get(id) ?? [];
  const wentBack = (before.at(-1)?.done ?? 0) > done;
  const kept = wentBack ? [] : before.filter((sample) => at - sample.at < WINDOW_MS);
  samples.set(id, [...kept, { at, done }]);
}

/** Units a second over the last 15 seconds; undefined until the job was seen to get on. */
export function rateOf(id: string): number | undefined {
  const seen = samples.get(id) ?? [];
  const first = seen[0];
  const last = seen.at(-1);
  if (!first || !last || last.done <= first.done) return undefined;
  return ((last.done - first.done) * 1000) / (last.at - first.at);
}
