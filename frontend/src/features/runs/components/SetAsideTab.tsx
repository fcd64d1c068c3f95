import { useQuery } from "@tanstack/react-query";

import type { RunDetail } from "../../../api/types";
import { count } from "../../../ui/format";
import { LoadingRows } from "../../../ui/Loading";
import { Empty, Failure } from "../../../ui/Notice";
import { ProductLink } from "../../../ui/ProductLink";
import { SET_ASIDE_SHOWN, setAsideQuery } from "../queries";
import { NotYet } from "./Accounts";
import { SetAsideTable } from "./SetAsideTable";

/** What the run could not read, as it stands in the input: for who may read that. */
export function SetAsideTab({ run }: { run: RunDetail }) {
  if (run.quarantined === null && run.state !== "skipped") return <NotYet run={run} />;
  if (run.quarantined === 0) {
    return <Empty title="Nothing was set aside">Every record of the input could be read.</Empty>;
  }
  return <Rows run={run} />;
}

function Rows({ run }: { run: RunDetail }) {
  const aside = useQuery(setAsideQuery(run.id));
  if (aside.isPending) return <LoadingRows rows={8} height={40} />;
  if (aside.isError) {
    const ask = run.inputs.map((name) => (
      <ProductLink key={name} name={name} tab="access">
        Ask for access to the input
      </ProductLink>
    ));
    return <Failure error={aside.error} retry={() => void aside.refetch()} whenDenied={ask} />;
  }
  const { rows } = aside.data;
  if (rows.length === 0) {
    return <Empty title="Nothing is left of it">What was set aside has been removed.</Empty>;
  }
  const more = rows.length === SET_ASIDE_SHOWN && (run.quarantined ?? 0) > rows.length;
  const told = more ? `the first ${rows.length} of ${count(run.quarantined)}` : undefined;
  return <SetAsideTable title="Records that could not be read" aside={told} rows={rows} />;
}
