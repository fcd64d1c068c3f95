import { createLazyRoute } from "@tanstack/react-router";

import { Empty } from "../../ui/Notice";
import { Applied } from "./components/Applied";
import { AskPlan } from "./components/AskPlan";
import { Frame } from "./components/Frame";
import { PlanShown } from "./components/PlanShown";
import classes from "./Mesh.module.css";
import { askedOf } from "./search";

export const route = createLazyRoute("/mesh/plan")({ component: PlanPage });

/** What would move for a name, a policy or a site; applied from here, and watched. */
function PlanPage() {
  return (
    <Frame title="What would move">
      <Asked />
    </Frame>
  );
}

function Asked() {
  const search = route.useSearch();
  const asked = askedOf(search);
  const key = asked ? `${asked.kind} ${asked.value}` : "";
  return (
    <div className={classes["stack"]}>
      <AskPlan key={key} asked={asked} />
      {search.plan && <Applied key={search.plan} id={search.plan} asked={asked} />}
      {asked && <PlanShown key={key} asked={asked} />}
      {!asked && !search.plan && (
        <Empty title="Say what to plan for">
          A name with all below it, what a protection policy binds, or a site. Nothing is moved
          before you apply the plan.
        </Empty>
      )}
    </div>
  );
}
