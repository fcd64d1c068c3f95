import { Button } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";

import type { Pipeline, RunDetail } from "../../../api/types";
import { Refused } from "../../../ui/Refused";
import { route } from "../page";
import classes from "../Pipelines.module.css";
import { useRunNow } from "../queries";
import type { StatedPurpose } from "../search";
import { PurposeSelect } from "./PurposeSelect";

/** What plan, sample and run are for, and the button that queues a run. */
export function RunNow({ pipeline }: { pipeline: Pipeline }) {
  const { purpose = "" } = route.useSearch();
  const navigate = useNavigate({ from: "/pipelines/$pipelineId" });
  const run = useRunNow();
  const choose = (chosen: StatedPurpose | undefined) => {
    run.reset();
    void navigate({ search: (before) => ({ ...before, purpose: chosen }), resetScroll: false });
  };
  const open = ({ id }: RunDetail) => void navigate({ to: "/runs/$runId", params: { runId: id } });
  const start = () => run.mutate({ id: pipeline.id, purpose }, { onSuccess: open });
  return (
    <div className={classes["run"]}>
      <PurposeSelect purpose={purpose} onChoose={choose} />
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
