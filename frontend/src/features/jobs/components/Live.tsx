import { plural } from "../../../ui/format";
import classes from "../Jobs.module.css";

interface LiveProps {
  hidden: boolean;
  failing: boolean;
  active: number;
  /** The platform tells of transfers by itself. */
  told: boolean;
}

/** Says whether what is shown moves by itself, and how often. */
export function Live({ hidden, failing, active, told }: LiveProps) {
  const live = !hidden && !failing;
  return (
    <p className={classes["live"]} data-live={live || undefined}>
      <span className={classes["pulse"]} aria-hidden />
      {wording({ hidden, failing, active, told })}
    </p>
  );
}

function wording({ hidden, failing, active, told }: LiveProps): string {
  if (hidden) return "Paused while this tab is hidden";
  if (failing) return "Paused: the platform does not answer";
  if (told && active > 0) return `Live, as it happens: ${plural(active, "job")} under way`;
  if (active > 0) return `Live, every second: ${plural(active, "job")} under way`;
  return "Live, every 10 seconds: nothing is under way";
}
