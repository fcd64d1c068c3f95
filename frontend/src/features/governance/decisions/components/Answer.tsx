import { useQuery } from "@tanstack/react-query";

import type { Decision } from "../../../../api/types";
import { Digest } from "../../../../ui/Copy";
import { LoadingRows } from "../../../../ui/Loading";
import { Failure, Policies } from "../../../../ui/Notice";
import { Panel, TableFrame } from "../../../../ui/Page";
import { State, Tag } from "../../../../ui/State";
import classes from "../../Governance.module.css";
import { decisionQuery, type Question } from "../queries";
import { ACTIONS } from "../search";

export function Answer({ question }: { question: Question }) {
  const decision = useQuery(decisionQuery(question));
  if (decision.isPending) return <LoadingRows rows={5} height={28} />;
  if (decision.isError) {
    return <Failure error={decision.error} retry={() => void decision.refetch()} />;
  }
  return (
    <>
      <Verdict question={question} decision={decision.data} />
      <Findings decision={decision.data} />
    </>
  );
}

function Verdict({ question, decision }: { question: Question; decision: Decision }) {
  const { obligations } = decision;
  const masks = Object.entries(obligations.masks);
  return (
    <Panel title="The decision">
      <p className={classes["verdict"]}>
        <State value={decision.allow ? "allowed" : "denied"} />
        <span>
          {question.person ?? "you"} · {ACTIONS[question.action].toLowerCase()} ·{" "}
          <span className="mono">{question.name}</span>
        </span>
      </p>
      <dl className={classes["detail"]}>
        <dt>Reason</dt>
        <dd>{decision.reason || "–"}</dd>
        <dt>Policies that decide</dt>
        <dd>
          <Policies ids={decision.policies} />
        </dd>
        {decision.allow && (masks.length > 0 || obligations.filters_rows) && (
          <>
            <dt>Kept to</dt>
            <dd>
              {masks.map(([column, mask]) => (
                <Tag key={column}>
                  {column}: {mask}
                </Tag>
              ))}{" "}
              {obligations.filters_rows && <Tag>some rows only</Tag>}
            </dd>
          </>
        )}
        {decision.allow && obligations.purposes && (
          <>
            <dt>For the purposes</dt>
            <dd>{obligations.purposes.join(", ")}</dd>
          </>
        )}
        {decision.allow && obligations.watermarks.length > 0 && (
          <>
            <dt>Marked</dt>
            <dd>{obligations.watermarks.join(", ")}</dd>
          </>
        )}
        <dt>Policy set</dt>
        <dd>
          <Digest value={decision.policy_set} />
        </dd>
      </dl>
    </Panel>
  );
}

function Findings({ decision }: { decision: Decision }) {
  const rows = decision.findings ?? [];
  return (
    <Panel title="What each policy says" flush>
      {rows.length === 0 && <p className={classes["pad"]}>No policy speaks of this action.</p>}
      {rows.length > 0 && (
        <TableFrame label="What each policy says">
          <table>
            <thead>
              <tr>
                <th scope="col">Policy</th>
                <th scope="col">Effect</th>
                <th scope="col">Applies</th>
                <th scope="col">The part that fails first</th>
                <th scope="col">In words</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row, index) => (
                <tr key={row.policy + String(index)}>
                  <td>{row.policy}</td>
                  <td>{row.effect}</td>
                  <td>
                    <State value={row.met ? "met" : "not met"} />
                  </td>
                  <td>{row.fails ? <code>{row.fails}</code> : "–"}</td>
                  <td>{row.reason || "–"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </TableFrame>
      )}
    </Panel>
  );
}
