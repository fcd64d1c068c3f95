import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import type { Version } from "../../../api/types";
import { madeByQuery } from "../queries";

/** The run that made a version and the pipeline it is of; nothing where no run did. */
export function MadeBy({ version }: { version: Version }) {
  const derived = version.inputs.length > 0;
  const runs = useQuery({ ...madeByQuery(version.product), enabled: derived }).data?.results ?? [];
  const run = runs.find((one) => one.output_version === version.name);
  if (!run) return null;
  return (
    <>
      <dt>v={version.number} made by</dt>
      <dd>
        <Link to="/runs/$runId" params={{ runId: run.id }}>
          a run
        </Link>{" "}
        of{" "}
        <Link
          to="/pipelines/$pipelineId"
          params={{ pipelineId: run.pipeline_id }}
          className="mono"
        >
          {run.pipeline}
        </Link>
      </dd>
    </>
  );
}
