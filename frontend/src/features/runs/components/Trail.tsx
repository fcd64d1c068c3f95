import { Link } from "@tanstack/react-router";

import type { RunDetail } from "../../../api/types";

interface TrailProps {
  run: RunDetail | undefined;
  /** With a link to the run itself, on pages below it. */
  below?: boolean;
}

/** The way from all pipelines to a run. */
export function Trail({ run, below = false }: TrailProps) {
  return (
    <>
      <Link to="/pipelines">All pipelines</Link>
      {run && (
        <>
          {" / "}
          <Link
            to="/pipelines/$pipelineId"
            params={{ pipelineId: run.pipeline_id }}
            search={{ tab: "runs" }}
          >
            {run.pipeline}
          </Link>
        </>
      )}
      {run && below && (
        <>
          {" / "}
          <Link to="/runs/$runId" params={{ runId: run.id }}>
            run
          </Link>
        </>
      )}
    </>
  );
}
