import type { PipelinePlan } from "../../../api/types";
import { Digest } from "../../../ui/Copy";
import { Figures } from "../../../ui/Figures";
import { bytes, count, plural } from "../../../ui/format";
import { Policies } from "../../../ui/Notice";
import { Panel, TableFrame } from "../../../ui/Page";
import page from "../../../ui/Page.module.css";
import { ProductLink } from "../../../ui/ProductLink";
import { State, Tag } from "../../../ui/State";
import { LookedUp } from "../../runs/components/LookedUp";
import classes from "../Pipelines.module.css";
import { PlanColumns } from "./PlanColumns";
import { PlanWork } from "./PlanWork";

/** What a run would do now, and who says that it may. */
export function PlanShown({ plan }: { plan: PipelinePlan }) {
  return (
    <div className={page["stack"]}>
      <Sums plan={plan} />
      <PlanWork plan={plan} />
      <Verdicts plan={plan} />
      <Labels plan={plan} />
      <PlanColumns plan={plan} />
    </div>
  );
}

function Sums({ plan }: { plan: PipelinePlan }) {
  const files = plan.inputs.reduce((sum, input) => sum + input.files, 0);
  const reads = plan.inputs.map(({ name }, position) => (
    <div key={position}>
      <ProductLink name={name} tab="versions" className="mono">
        {name}
      </ProductLink>
    </div>
  ));
  const lookups = plan.inputs
    .filter(({ looked_up_by: steps }) => steps.length > 0)
    .map(({ name, looked_up_by: steps }) => ({ name, steps }));
  return (
    <Panel title="What a run would do" aside={<Digest value={plan.run_digest} />} flush>
      <Figures
        figures={[
          ["Reads", reads],
          ["Files", count(files)],
          ["Bytes", bytes(plan.bytes)],
          ["Shards", count(plan.shards)],
          ["Stages", count(plan.stages)],
        ]}
      />
      {lookups.length > 0 && (
        <div className={classes["lookups"]}>
          <LookedUp inputs={lookups} />
        </div>
      )}
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

function Verdicts({ plan }: { plan: PipelinePlan }) {
  return (
    <Panel title="Verdicts" flush>
      <TableFrame label="Verdicts">
        <table>
          <thead>
            <tr>
              <th scope="col">Verdict</th>
              <th scope="col">On what</th>
              <th scope="col">Why</th>
            </tr>
          </thead>
          <tbody>
            {plan.verdicts.map((verdict) => (
              <tr key={`${verdict.action} ${verdict.name}`}>
                <td>
                  <State value={verdict.allow ? "allowed" : "denied"} />
                </td>
                <td className={classes["name"]}>
                  {verdict.action}{" "}
                  <ProductLink name={verdict.name} className="mono">
                    {verdict.name}
                  </ProductLink>
                </td>
                <td className={page["sentence"]}>
                  {verdict.reason}{" "}
                  {verdict.policies.length > 0 && <Policies ids={verdict.policies} />}{" "}
                  {!verdict.allow && (
                    <ProductLink name={verdict.name}>See whose it is</ProductLink>
                  )}
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
      {sources.length === 0 && <span className="muted">none</span>}
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
