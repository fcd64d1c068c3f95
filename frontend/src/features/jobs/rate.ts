import { useEffect, useState } from "react";

interface Sample {
  at: number;
  done: number;
}

const WINDOW_MS = 15_000;

/** How fast `done` grew over the last seconds, a second; undefined until it was seen to grow. */
export function useRate(done: number): number | undefined {
  const [samples, setSamples] = useState<Sample[]>([]);
  useEffect(() => {
    const at = Date.now();
    setSamples((before) => {
      const went = before.at(-1)?.done ?? 0;
      const kept = went > done ? [] : before.filter((one) => at - one.at < WINDOW_MS);
      return [...kept, { at, done }];
    });
  }, [done]);
  const first = samples[0];
  const last = samples.at(-1);
  if (!first || !last || last.at === first.at || last.done <= first.done) return undefined;
  return ((last.done - first.done) * 1000) / (last.at - first.at);
}
