import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import type { Policy } from "../../../../api/types";
import { LoadingRows } from "../../../../ui/Loading";
import { Failure } from "../../../../ui/Notice";
import { Panel, TableFrame } from "../../../../ui/Page";
import { State } from "../../../../ui/State";
import { Ago } from "../../../../ui/Values";
import { List } from "../../../../ui/List";
import classes from "../../Governance.module.css";
import { route } from "../page";
import styles from "../Policies.module.css";
import { diffQuery, policiesQuery } from "../queries";

export function VersionsTab({ policy }: { policy: Policy }) {
  const { against } = route.useSearch();
  const query = useInfiniteQuery(policiesQuery({ slug: policy.slug }));
  return (
    <div className={classes["stack"]}>
      <List title={`Versions of ${policy.slug}`} what="versions" query={query} empty="None.">
        {(rows) => <Table rows={rows} policy={policy} />}
      </List>
      {against && against !== policy.id && <Diff policy={policy} against={against} />}
    </div>
  );
}

function Table({ rows, policy }: { rows: Policy[]; policy: Policy }) {
  return (
    <TableFrame label="Versions">
      <table>
        <thead>
          <tr>
            <th scope="col">Version</th>
            <th scope="col">State</th>
            <th scope="col">Written by</th>
            <th scope="col">Approved by</th>
            <th scope="col">Written</th>
            <th scope="col">In force</th>
            <th scope="col">Compare</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.id} aria-current={row.id === policy.id || undefined}>
              <td>
                <Link to="/governance/policies/$policyId" params={{ policyId: row.id }}>
                  {row.slug}@{row.version}
                </Link>
              </td>
              <td>
                <State value={row.state} />
              </td>
              <td>{row.authors.join(", ") || row.created_by}</td>
              <td>{row.approved_by || "–"}</td>
              <td>
                <Ago at={row.created_at} />
              </td>
              <td>
                <Ago at={row.activated_at} />
                {row.retired_at && (
                  <>
                    , until <Ago at={row.retired_at} />
                  </>
                )}
              </td>
              <td>
                {row.id === policy.id ? (
                  "this one"
                ) : (
                  <Link
                    to="/governance/policies/$policyId"
                    params={{ policyId: policy.id }}
                    search={{ tab: "versions", against: row.id }}
                    resetScroll={false}
                    aria-label={`what differs from ${row.slug}@${row.version}`}
                  >
                    what differs
                  </Link>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableFrame>
  );
}

function Diff({ policy, against }: { policy: Policy; against: string }) {
  const diff = useQuery(diffQuery(policy.id, against));
  if (diff.isPending) return <LoadingRows rows={6} height={20} />;
  if (diff.isError) return <Failure error={diff.error} retry={() => void diff.refetch()} />;
  const { before, after, text } = diff.data;
  return (
    <Panel title={`From ${before} to ${after}`}>
      {text === "" && <p className={classes["quiet"]}>The texts are the same.</p>}
      {text !== "" && (
        <section className={styles["diff"]} aria-label="What differs" tabIndex={0}>
          <pre>
            {text.split("\n").map((line, index) => (
              <span key={index} data-line={/^(---|\+\+\+)/.test(line) ? "@" : line[0]}>
                {line || " "}
              </span>
            ))}
          </pre>
        </section>
      )}
    </Panel>
  );
}
