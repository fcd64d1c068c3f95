import { useQuery } from "@tanstack/react-query";

import type { RunDetail } from "../../../api/types";
import { count } from "../../../ui/format";
import { LoadingRows } from "../../../ui/Loading";
import { Empty, Failure } from "../../../ui/Notice";
import { SET_ASIDE_SHOWN, setAsideQuery } from "../queries";
import { setAsideOf } from "../told";
import { NotYet } from "./Accounts";
import { SetAsideTable } from "./SetAsideTable";

/** What the run could not read, as it stands in the input: for who may read that. */
export function SetAsideTab({ run }: { run: RunDetail }) {
  const aside = setAsideOf(run);
  if (aside === null && run.state !== "skipped") return <NotYet run={run} />;
  if (aside === 0) {
    return <Empty title="Nothing was set aside">Every record that was read is good.</Empty>;
  }
  return <Rows run={run} />;
}

function Rows({ run }: { run: RunDetail }) {
  const aside = useQuery(setAsideQuery(run.id));
  if (aside.isPending) return <LoadingRows rows={8} height={40} />;
  if (aside.isError) return <Failure error={aside.error} retry={() => void aside.refetch()} />;
  const { rows } = aside.data;
  if (rows.length === 0) {
    return <Empty title="Nothing is left of it">What was set aside has been removed.</Empty>;
  }
  const all = setAsideOf(run) ?? 0;
  const more = rows.length === SET_ASIDE_SHOWN && all > rows.length;
  const told = more ? `the first ${rows.length} of ${count(all)}` : undefined;
  return <SetAsideTable title="Records that could not be read" aside={told} rows={rows} />;
}
