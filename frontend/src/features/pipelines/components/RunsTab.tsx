import { useInfiniteQuery } from "@tanstack/react-query";

import type { Pipeline } from "../../../api/types";
import { List } from "../../../ui/List";
import { RunTable } from "../../runs/components/RunTable";
import { runsOfQuery } from "../../runs/queries";

export function RunsTab({ pipeline }: { pipeline: Pipeline }) {
  const runs = useInfiniteQuery(runsOfQuery(pipeline.name));
  return (
    <List title="Runs" what="runs" query={runs} empty="It never ran. “Run now” queues the first run.">
      {(rows) => <RunTable rows={rows} />}
    </List>
  );
}
