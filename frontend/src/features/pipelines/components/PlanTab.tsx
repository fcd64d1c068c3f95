import { useQuery } from "@tanstack/react-query";

import type { Pipeline, PipelinePlan } from "../../../api/types";
import { Digest } from "../../../ui/Copy";
import { bytes, count, plural } from "../../../ui/format";
import { LoadingRows } from "../../../ui/Loading";
import { Failure, Policies } from "../../../ui/Notice";
import { Panel, TableFrame } from "../../../ui/Page";
import { ProductLink } from "../../../ui/ProductLink";
import { State, Tag } from "../../../ui/State";
import { route } from "../page";
import classes from "../Pipelines.module.css";
import { planQuery } from "../queries";
import { AskForInput } from "./AskForInput";
import { PlanColumns } from "./PlanColumns";

/** What a run would do now, and who says that it may. */
export function PlanTab({ pipeline }: { pipeline: Pipeline }) {
  const { purpose = "" } = route.useSearch();
  const plan = useQuery(planQuery(pipeline, purpose));
  if (plan.isPending) return <LoadingRows rows={8} height={28} />;
  if (plan.isError) {
    return (
      <Failure
        error={plan.error}
        retry={() => void plan.refetch()}
        whenDenied={<AskForInput pipeline={pipeline} />}
      />
    );
  }
  return (
    <div className={classes["stack"]}>
      <Sums plan={plan.data} />
      <Verdicts plan={plan.data} />
      <Labels plan={plan.data} />
      <PlanColumns plan={plan.data} />
    </div>
  );
}

function Sums({ plan }: { plan: PipelinePlan }) {
  const files = plan.inputs.reduce((sum, input) => sum + input.files, 0);
  return (
    <Panel title="What a run would do" aside={<Digest value={plan.run_digest} />} flush>
      <dl className={classes["totals"]}>
        <Total term="Reads">
          {plan.inputs.map(({ name }) => (
            <ProductLink key={name} name={name} tab="versions" className="mono">
              {name}
            </ProductLink>
          ))}
        </Total>
        <Total term="Files">{count(files)}</Total>
        <Total term="Bytes">{bytes(plan.bytes)}</Total>
        <Total term="Shards">{count(plan.shards)}</Total>
        <Total term="Stages">{count(plan.stages)}</Total>
      </dl>
      {plan.would_skip && (
        <p className={classes["skip"]}>
          It would be skipped: what it would make is there already, as{" "}
          <ProductLink name={plan.would_skip} tab="versions" className="mono">
            {plan.would_skip}
          </ProductLink>
          .
        </p>
      )}
    </Panel>
  );
}

function Total({ term, children }: { term: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{term}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Verdicts({ plan }: { plan: PipelinePlan }) {
  return (
    <Panel title="Verdicts" flush>
      <TableFrame label="Verdicts">
        <table>
          <thead>
            <tr>
              <th scope="col">Verdict</th>
              <th scope="col">Action</th>
              <th scope="col">On</th>
              <th scope="col">Reason</th>
              <th scope="col">Policies</th>
            </tr>
          </thead>
          <tbody>
            {plan.verdicts.map((verdict) => (
              <tr key={`${verdict.action} ${verdict.name}`}>
                <td>
                  <State value={verdict.allow ? "allowed" : "denied"} />
                </td>
                <td>{verdict.action}</td>
                <td className={classes["name"]}>
                  <ProductLink name={verdict.name} className="mono">
                    {verdict.name}
                  </ProductLink>
                </td>
                <td className={classes["told"]}>{verdict.reason}</td>
                <td>
                  <Policies ids={verdict.policies} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableFrame>
    </Panel>
  );
}

/** Labels, each once, with what they come from; a label may be on several columns. */
function Labels({ plan }: { plan: PipelinePlan }) {
  const sources = [...new Set(plan.labels.map((each) => each.from))];
  return (
    <Panel title="Labels that the result inherits" aside={plural(sources.length, "source")}>
      {sources.length === 0 && <span className={classes["muted"]}>none</span>}
      {sources.map((source) => (
        <p key={source} className={classes["labels"]}>
          {labelsOf(plan, source).map((label) => (
            <Tag key={label} strong>
              {label}
            </Tag>
          ))}{" "}
          from{" "}
          <ProductLink name={source} tab="labels" className="mono">
            {source}
          </ProductLink>
        </p>
      ))}
    </Panel>
  );
}

function labelsOf(plan: PipelinePlan, source: string): string[] {
  const found = plan.labels.filter((each) => each.from === source);
  return [...new Set(found.map((each) => each.label))];
}
