import { Button, NativeSelect } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";

import type { Pipeline } from "../../../api/types";
import { Refused } from "../../../ui/Refused";
import { route } from "../page";
import classes from "../Pipelines.module.css";
import { useRunNow } from "../queries";
import { PURPOSES } from "../search";

/** What plan, sample and run are for, and the button that queues a run. */
export function RunNow({ pipeline }: { pipeline: Pipeline }) {
  const { purpose = "" } = route.useSearch();
  const navigate = useNavigate({ from: "/pipelines/$pipelineId" });
  const run = useRunNow(pipeline.id);
  const choose = (text: string) => {
    run.reset();
    const chosen = PURPOSES.find((one) => one === text);
    void navigate({ search: (before) => ({ ...before, purpose: chosen }), resetScroll: false });
  };
  const start = () =>
    run.mutate(purpose, {
      onSuccess: ({ id }) => void navigate({ to: "/runs/$runId", params: { runId: id } }),
    });
  return (
    <div className={classes["run"]}>
      <NativeSelect
        label="Purpose"
        description="A grant for a purpose is good for what states it."
        data={[{ value: "", label: "none stated" }, ...PURPOSES]}
        value={purpose}
        onChange={(event) => choose(event.currentTarget.value)}
      />
      <Button loading={run.isPending} onClick={start}>
        Run now
      </Button>
      {run.error && (
        <div className={classes["refused"]}>
          <Refused error={run.error} />
        </div>
      )}
    </div>
  );
}
