import { useQuery } from "@tanstack/react-query";

import type { Pipeline } from "../../../api/types";
import { Asked } from "../../../ui/Asked";
import { route } from "../page";
import { planQuery } from "../queries";
import { PlanShown } from "./PlanShown";

/** What a run of a saved pipeline would do now. */
export function PlanTab({ pipeline }: { pipeline: Pipeline }) {
  const { purpose = "" } = route.useSearch();
  const plan = useQuery(planQuery(pipeline, purpose));
  return (
    <Asked query={plan}>
      {(found) => <PlanShown plan={found} />}
    </Asked>
  );
}
