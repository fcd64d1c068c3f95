import { Link, useNavigate } from "@tanstack/react-router";

import type { Pipeline } from "../../../api/types";
import page from "../../../ui/Page.module.css";
import { Refused } from "../../../ui/Refused";
import { type Answer, problemsOf } from "../answer";
import classes from "../Pipelines.module.css";
import { route } from "../write";
import { PlanShown } from "./PlanShown";
import { Problems } from "./Problems";
import { SampleShown } from "./SampleShown";
import { Whole } from "./Whole";

interface ToldProps {
  answer: Answer;
  /** The text is another one by now. */
  stale: boolean;
  onGo: (line: number) => void;
}

/** What was found of a document: problems, a plan, a sample, or why there is none. */
export function Told({ answer, stale, onGo }: ToldProps) {
  const { told, error } = answer;
  const { whole } = route.useSearch();
  const navigate = useNavigate({ from: "/pipelines/new" });
  const problems = problemsOf(answer);
  if (problems.length > 0) return <Problems problems={problems} stale={stale} onGo={onGo} />;
  if (error) return <Refusal error={error} saved={answer.saved} />;
  if (told?.verb === "plan") return <PlanShown plan={told.plan} />;
  if (told?.verb !== "sample") return null;
  return (
    <div className={page["stack"]}>
      <div>
        <Whole
          whole={whole === "yes"}
          onWhole={(next) =>
            void navigate({ search: (before) => ({ ...before, whole: next }), resetScroll: false })
          }
        />
      </div>
      <SampleShown sample={told.sample} whole={whole === "yes"} />
    </div>
  );
}

/** Why something was refused, and what was done before that. */
function Refusal({ error, saved }: { error: unknown; saved: Pipeline | undefined }) {
  return (
    <div className={classes["refused"]}>
      {saved && (
        <p className={classes["summary"]}>
          It is saved as revision {saved.revision} of{" "}
          <Link to="/pipelines/$pipelineId" params={{ pipelineId: saved.id }}>
            {saved.name}
          </Link>
          , and no run was queued.
        </p>
      )}
      <Refused error={error} />
    </div>
  );
}
