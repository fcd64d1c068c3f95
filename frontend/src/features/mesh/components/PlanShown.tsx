import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";

import type { Plan } from "../../../api/types";
import { Confirm } from "../../../ui/Confirm";
import { bytes, count, duration, plural } from "../../../ui/format";
import { LoadingRows } from "../../../ui/Loading";
import { Empty, Failure } from "../../../ui/Notice";
import { Panel } from "../../../ui/Page";
import { Refused } from "../../../ui/Refused";
import { State } from "../../../ui/State";
import classes from "../Mesh.module.css";
import { planQuery, useApplyPlan } from "../queries";
import type { AskedPlan } from "../search";
import { money } from "../told";
import { PlanLines } from "./PlanLines";

export function PlanShown({ asked }: { asked: AskedPlan }) {
  const plan = useQuery(planQuery(asked));
  if (plan.isPending) return <LoadingRows rows={5} height={34} />;
  if (plan.isError) return <Failure error={plan.error} retry={() => void plan.refetch()} />;
  const { items, unmet } = plan.data;
  if (items.length === 0 && unmet.length === 0) {
    return (
      <Empty title="Everything is where the policies want it.">
        Of what you administer; the rest of the mesh is not in your plans.
      </Empty>
    );
  }
  return (
    <>
      <Panel title="What would move" aside={asked.value} flush>
        <Totals plan={plan.data} asked={asked} />
        {items.length > 0 && <PlanLines items={items} />}
        {items.length === 0 && <p className={classes["pad"]}>Nothing can be moved.</p>}
      </Panel>
      {unmet.length > 0 && <Unmet plan={plan.data} />}
    </>
  );
}

/** What the plan comes to, and the button that sends its digest: what is shown is what is done. */
function Totals({ plan, asked }: { plan: Plan; asked: AskedPlan }) {
  const navigate = useNavigate({ from: "/mesh/plan" });
  const apply = useApplyPlan(asked);
  const acts = plan.items.some(({ action }) => action === "copy" || action === "remove");
  const watch = (done: Plan) =>
    void navigate({ search: { [asked.kind]: asked.value, plan: done.plan ?? undefined } });
  return (
    <>
      <div className={classes["totals"]}>
        <Sums plan={plan} />
        {acts && (
          <Confirm
            label="Apply this plan"
            question={questionOf(plan)}
            className={classes["spring"]}
            loading={apply.isPending}
            onConfirm={() => apply.mutate(plan.digest, { onSuccess: watch })}
          />
        )}
      </div>
      {apply.error && (
        <div className={classes["pad"]}>
          <Refused error={apply.error} />
        </div>
      )}
    </>
  );
}

function questionOf({ copies }: Plan): string {
  return copies > 0 ? `Queue ${plural(copies, "copy", "copies")}?` : "Let them go?";
}

function Sums({ plan }: { plan: Plan }) {
  return (
    <dl>
      <Total term="Copies">{count(plan.copies)}</Total>
      <Total term="Bytes">{bytes(plan.bytes)}</Total>
      <Total term="One after the other">
        {plan.copies > plan.unroutable ? duration(plan.seconds) : "–"}
      </Total>
      <Total term="Cost, once">{money(plan.cost)}</Total>
      <Total term="Cost a month">{money(plan.cost_per_month)}</Total>
      {plan.unroutable > 0 && <Total term="Without a way now">{count(plan.unroutable)}</Total>}
    </dl>
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

function Unmet({ plan }: { plan: Plan }) {
  return (
    <Panel title="What no store can give" aside={plural(plan.unmet.length, "version")} flush>
      <ul className={classes["unmet"]}>
        {plan.unmet.map((one) => (
          <li key={one.version + one.reason}>
            <State value="unmet" /> <span className="mono">{one.version}</span>
            <div className={classes["why"]}>{one.reason}</div>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
