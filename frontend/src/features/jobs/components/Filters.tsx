import { SegmentedControl, Select } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";

import classes from "../Jobs.module.css";
import { route } from "../route";
import { type JobKind, RUN_STATES, STATES, TRANSFER_STATES } from "../search";

const STATES_OF: Record<JobKind, readonly string[]> = {
  all: STATES,
  transfers: TRANSFER_STATES,
  runs: RUN_STATES,
};

export function Filters() {
  const { kind = "all", state } = route.useSearch();
  const navigate = useNavigate({ from: "/jobs" });
  const setKind = (value: string) => {
    const next = value as JobKind;
    const kept = state && STATES_OF[next].includes(state) ? state : undefined;
    void navigate({ search: { kind: next === "all" ? undefined : next, state: kept } });
  };
  return (
    <div className={classes["filters"]}>
      <SegmentedControl
        aria-label="Kind of job"
        value={kind}
        onChange={setKind}
        data={[
          { value: "all", label: "All" },
          { value: "runs", label: "Runs" },
          { value: "transfers", label: "Transfers" },
        ]}
      />
      <Select
        aria-label="State"
        placeholder="Any state"
        clearable
        w={180}
        value={state ?? null}
        data={[...STATES_OF[kind]]}
        onChange={(value) =>
          void navigate({ search: (before) => ({ ...before, state: STATES.find((one) => one === value) }) })
        }
        comboboxProps={{ withinPortal: false }}
      />
    </div>
  );
}
