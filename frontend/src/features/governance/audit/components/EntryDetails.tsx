import { useQuery } from "@tanstack/react-query";

import type { AuditEntry } from "../../../../api/types";
import { Digest } from "../../../../ui/Copy";
import { count, moment, plural } from "../../../../ui/format";
import { LoadingRows } from "../../../../ui/Loading";
import { Failure } from "../../../../ui/Notice";
import { State } from "../../../../ui/State";
import classes from "../../Governance.module.css";
import { proofQuery } from "../queries";
import type { Outcome } from "../verify";

export function EntryDetails({ entry }: { entry: AuditEntry }) {
  return (
    <div className={classes["stack"]}>
      <dl className={classes["detail"]}>
        <dt>At</dt>
        <dd>{moment(entry.at)}</dd>
        {Object.entries(entry.detail).map(([key, value]) => (
          <Detail key={key} name={key} value={value} />
        ))}
        <dt>Policy set</dt>
        <dd>
          <Digest value={entry.policy_set} />
        </dd>
        <dt>Leaf</dt>
        <dd>
          <Digest value={entry.leaf} />
        </dd>
      </dl>
      {entry.position === null ? (
        <p className={classes["quiet"]}>It has no place in the log yet; look again in seconds.</p>
      ) : (
        <Proof entry={entry.id} />
      )}
    </div>
  );
}

function Detail({ name, value }: { name: string; value: unknown }) {
  return (
    <>
      <dt>{name.replaceAll("_", " ")}</dt>
      <dd>{typeof value === "string" ? value || "–" : JSON.stringify(value)}</dd>
    </>
  );
}

const SAYS: Record<Outcome, string> = {
  verified: "This browser hashed the entry with its proof and came to the root of the log.",
  broken: "The entry with its proof does not come to the root of the log. Tell an operator.",
  unchecked: "The browser lends hashes to pages over https only; `fairmesh audit verify` checks it.",
};

function Proof({ entry }: { entry: number }) {
  const found = useQuery(proofQuery(entry));
  if (found.isPending) return <LoadingRows rows={2} height={20} />;
  if (found.isError) return <Failure error={found.error} retry={() => void found.refetch()} />;
  const { proof, outcome } = found.data;
  return (
    <section aria-label="Proof">
      <p className={classes["verdict"]}>
        <State value={outcome} />
        <span className={classes["quiet"]}>{SAYS[outcome]}</span>
      </p>
      <dl className={classes["detail"]}>
        <dt>Stands at</dt>
        <dd>
          {count(proof.position)} of {plural(proof.size, "entry", "entries")}
        </dd>
        <dt>Root</dt>
        <dd>
          <Digest value={proof.root} />
        </dd>
        <dt>Proof</dt>
        <dd>
          <details>
            <summary>{plural(proof.proof.length, "hash", "hashes")}</summary>
            {proof.proof.map((part) => (
              <div key={part} className="mono">
                {part}
              </div>
            ))}
          </details>
        </dd>
      </dl>
    </section>
  );
}
