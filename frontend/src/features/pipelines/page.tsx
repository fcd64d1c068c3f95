import { Tabs } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { createLazyRoute, Link, useNavigate } from "@tanstack/react-router";

import { useMe } from "../../api/session";
import type { Pipeline } from "../../api/types";
import { Code } from "../../ui/CodeArea";
import { Copy, Digest } from "../../ui/Copy";
import { LoadingRows } from "../../ui/Loading";
import { Failure, SignInFirst } from "../../ui/Notice";
import { PageTitle, Panel } from "../../ui/Page";
import { ProductLink } from "../../ui/ProductLink";
import { Ago } from "../../ui/Values";
import { PlanTab } from "./components/PlanTab";
import { RunNow } from "./components/RunNow";
import { RunsTab } from "./components/RunsTab";
import { SampleTab } from "./components/SampleTab";
import classes from "./Pipelines.module.css";
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
  const me = useMe();
  const pipeline = useQuery({ ...pipelineQuery(pipelineId), enabled: me?.authenticated === true });
  const name = pipeline.data?.name ?? "Pipeline";
  return (
    <>
      <PageTitle>{name}</PageTitle>
      <p className={classes["trail"]}>
        <Link to="/pipelines">All pipelines</Link>
      </p>
      <h1 className={classes["title"]}>{name}</h1>
      {me?.authenticated === false && <SignInFirst />}
      {me?.authenticated && pipeline.isPending && <LoadingRows rows={8} height={28} />}
      {pipeline.isError && (
        <Failure error={pipeline.error} retry={() => void pipeline.refetch()} />
      )}
      {pipeline.data && <One pipeline={pipeline.data} />}
    </>
  );
}

function One({ pipeline }: { pipeline: Pipeline }) {
  const { tab = "document" } = route.useSearch();
  const navigate = useNavigate({ from: "/pipelines/$pipelineId" });
  const show = (next: string | null) =>
    void navigate({
      search: (before) => ({ ...before, tab: next as PipelineTab }),
      resetScroll: false,
    });
  return (
    <>
      <Facts pipeline={pipeline} />
      <RunNow pipeline={pipeline} />
      <Tabs mt={18} value={tab} keepMounted={false} onChange={show}>
        <Tabs.List mb={18}>
          {TABS.map((one) => (
            <Tabs.Tab key={one} value={one}>
              {TITLES[one]}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value={tab}>
          {tab === "document" && <Document pipeline={pipeline} />}
          {tab === "plan" && <PlanTab pipeline={pipeline} />}
          {tab === "sample" && <SampleTab pipeline={pipeline} />}
          {tab === "runs" && <RunsTab pipeline={pipeline} />}
        </Tabs.Panel>
      </Tabs>
    </>
  );
}

function Facts({ pipeline }: { pipeline: Pipeline }) {
  return (
    <>
      <p className={classes["way"]}>
        {pipeline.inputs.map((name) => (
          <ProductLink key={name} name={name} className="mono">
            {name}
          </ProductLink>
        ))}{" "}
        →{" "}
        <ProductLink name={pipeline.output} className="mono">
          {pipeline.output}
        </ProductLink>
      </p>
      <p className={classes["facts"]}>
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
    <Panel title="Document" aside={<Copy value={text} what="document" />}>
      <Code label="Document of the pipeline" value={text} />
    </Panel>
  );
}
