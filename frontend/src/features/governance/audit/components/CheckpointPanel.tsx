import { useQuery } from "@tanstack/react-query";

import { asProblem } from "../../../../api/problem";
import { Digest } from "../../../../ui/Copy";
import { count } from "../../../../ui/format";
import { LoadingRows } from "../../../../ui/Loading";
import { Failure } from "../../../../ui/Notice";
import { Panel } from "../../../../ui/Page";
import { Ago } from "../../../../ui/Values";
import classes from "../../Governance.module.css";
import { checkpointQuery } from "../queries";

/** What the log says of itself: how long it is, over what root, signed when and by which key. */
export function CheckpointPanel() {
  const checkpoint = useQuery(checkpointQuery);
  if (checkpoint.isError && asProblem(checkpoint.error).status !== 404) {
    return <Failure error={checkpoint.error} retry={() => void checkpoint.refetch()} />;
  }
  return (
    <Panel title="Last signed checkpoint">
      {checkpoint.isPending && <LoadingRows rows={1} height={24} />}
      {checkpoint.isError && <p className={classes["quiet"]}>{checkpoint.error.message}</p>}
      {checkpoint.data && (
        <dl className={classes["detail"]}>
          <dt>Entries</dt>
          <dd className="nums">{count(checkpoint.data.size)}</dd>
          <dt>Root</dt>
          <dd>
            <Digest value={checkpoint.data.root} />
          </dd>
          <dt>Signed</dt>
          <dd>
            <Ago at={checkpoint.data.at} /> by the key{" "}
            <span className="mono">{checkpoint.data.key_id}</span> of {checkpoint.data.origin}
          </dd>
        </dl>
      )}
    </Panel>
  );
}
