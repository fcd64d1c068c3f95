import { Progress as Bar } from "@mantine/core";

import { bytes, duration } from "../../../ui/format";
import classes from "../Jobs.module.css";
import { paceOf } from "../rate";

interface ProgressProps {
  id: string;
  label: string;
  done: number;
  total: number;
  /** How the two numbers are told; bytes are also given a rate and a time left. */
  unit: "bytes" | "shards";
  active: boolean;
}

export function Progress({ id, label, done, total, unit, active }: ProgressProps) {
  const percent = total > 0 ? Math.min(100, (done / total) * 100) : 0;
  return (
    <div className={classes["progress"]}>
      <Bar.Root size="md">
        <Bar.Section value={percent} animated={active} color="teal" aria-label={label} />
      </Bar.Root>
      <div className={classes["numbers"]}>
        <span>{unit === "bytes" ? `${bytes(done)} of ${bytes(total)}` : `${done} of ${total} shards`}</span>
        {active && unit === "bytes" && <Speed id={id} done={done} total={total} />}
        <span>{Math.floor(percent)} %</span>
      </div>
    </div>
  );
}

function Speed({ id, done, total }: { id: string; done: number; total: number }) {
  const { rate, left } = paceOf(id, done, total);
  if (!rate) return null;
  return (
    <span>
      {bytes(rate)}/s{left !== undefined && `, ${duration(left)} left`}
    </span>
  );
}
