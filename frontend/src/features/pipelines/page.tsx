import { useQuery } from "@tanstack/react-query";
import { createLazyRoute, Link, useNavigate } from "@tanstack/react-router";

import { useSignedIn } from "../../api/session";
import type { Pipeline } from "../../api/types";
import { Asked } from "../../ui/Asked";
import { Code } from "../../ui/CodeArea";
import { Copy, Digest } from "../../ui/Copy";
import { Panel } from "../../ui/Page";
import page from "../../ui/Page.module.css";
import { Sheet } from "../../ui/Sheet";
import { Tabbed } from "../../ui/Tabbed";
import { Ago } from "../../ui/Values";
import { Way } from "../../ui/Way";
import { PlanTab } from "./components/PlanTab";
import { RunNow } from "./components/RunNow";
import { RunsTab } from "./components/RunsTab";
import { SampleTab } from "./components/SampleTab";
import { pipelineQuery } from "./queries";
import { type PipelineTab, TABS } from "./search";
import { yamlText } from "./yaml";

export const route = createLazyRoute("/pipelines/$pipelineId")({ component: PipelinePage });

const TITLES: Record<PipelineTab, string> = {
  document: "Document",
  plan: "Plan",
  sample: "Sample",
  runs: "Runs",
};

/** One pipeline: what it says, what it would do, what becomes of rows, and what it did. */
function PipelinePage() {
  const { pipelineId } = route.useParams();
  const pipeline = useQuery({ ...pipelineQuery(pipelineId), enabled: useSignedIn() });
  return (
    <Sheet
      title={pipeline.data?.name ?? "Pipeline"}
      trail={<Link to="/pipelines">All pipelines</Link>}
    >
      <Asked query={pipeline}>{(found) => <One pipeline={found} />}</Asked>
    </Sheet>
  );
}

function One({ pipeline }: { pipeline: Pipeline }) {
  const { tab = "document" } = route.useSearch();
  const navigate = useNavigate({ from: "/pipelines/$pipelineId" });
  const show = (next: PipelineTab) =>
    void navigate({ search: (before) => ({ ...before, tab: next }), resetScroll: false });
  return (
    <>
      <Facts pipeline={pipeline} />
      <RunNow pipeline={pipeline} />
      <Tabbed tabs={TABS} titles={TITLES} tab={tab} onTab={show}>
        {tab === "document" && <Document pipeline={pipeline} />}
        {tab === "plan" && <PlanTab pipeline={pipeline} />}
        {tab === "sample" && <SampleTab pipeline={pipeline} />}
        {tab === "runs" && <RunsTab pipeline={pipeline} />}
      </Tabbed>
    </>
  );
}

function Facts({ pipeline }: { pipeline: Pipeline }) {
  return (
    <>
      <p className={page["way"]}>
        <Way from={pipeline.inputs} to={pipeline.output} />
      </p>
      <p className={page["facts"]}>
        <span>revision {pipeline.revision}</span>
        <span>
          made by {pipeline.created_by}, changed <Ago at={pipeline.updated_at} />
        </span>
        <Digest value={pipeline.digest} />
      </p>
    </>
  );
}

function Document({ pipeline }: { pipeline: Pipeline }) {
  const text = yamlText(pipeline.spec);
  return (
    <Panel
      title="Document"
      aside={
        <span className={page["keep"]}>
          <Link to="/pipelines/new" search={{ from: pipeline.id }}>
            Write the next revision
          </Link>
          <Copy value={text} what="document" />
        </span>
      }
    >
      <Code label="Document of the pipeline" value={text} />
    </Panel>
  );
}
