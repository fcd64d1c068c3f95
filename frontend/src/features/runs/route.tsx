import { Tabs } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { createLazyRoute, Link, useNavigate } from "@tanstack/react-router";

import { useMe } from "../../api/session";
import type { RunDetail } from "../../api/types";
import { count } from "../../ui/format";
import { LoadingRows } from "../../ui/Loading";
import { Failure, SignInFirst } from "../../ui/Notice";
import { PageTitle } from "../../ui/Page";
import { Accounts } from "./components/Accounts";
import { Card } from "./components/Card";
import { Head } from "./components/Head";
import { SetAsideTab } from "./components/SetAsideTab";
import { StatisticsTab } from "./components/StatisticsTab";
import { runQuery } from "./queries";
import classes from "./Runs.module.css";
import { type RunTab, TABS } from "./search";

export const route = createLazyRoute("/runs/$runId")({ component: RunPage });

/** One run: how it stands, where its rows went, what it made and what can be said of that. */
function RunPage() {
  const { runId } = route.useParams();
  const me = useMe();
  const run = useQuery({ ...runQuery(runId), enabled: me?.authenticated === true });
  const title = run.data ? `Run of ${run.data.pipeline}` : "Run";
  return (
    <>
      <PageTitle>{title}</PageTitle>
      <p className={classes["trail"]}>
        <Link to="/pipelines">All pipelines</Link>
        {run.data && (
          <>
            {" / "}
            <Link
              to="/pipelines/$pipelineId"
              params={{ pipelineId: run.data.pipeline_id }}
              search={{ tab: "runs" }}
            >
              {run.data.pipeline}
            </Link>
          </>
        )}
      </p>
      <h1 className={classes["title"]}>{title}</h1>
      {me?.authenticated === false && <SignInFirst />}
      {me?.authenticated && run.isPending && <LoadingRows rows={8} height={28} />}
      {run.isError && !run.data && (
        <Failure error={run.error} retry={() => void run.refetch()} />
      )}
      {run.data && <One run={run.data} />}
    </>
  );
}

function One({ run }: { run: RunDetail }) {
  const { tab = "accounts" } = route.useSearch();
  const navigate = useNavigate({ from: "/runs/$runId" });
  const show = (next: string | null) =>
    void navigate({ search: { tab: next as RunTab }, resetScroll: false });
  return (
    <>
      <Head run={run} />
      <Tabs mt={18} value={tab} keepMounted={false} onChange={show}>
        <Tabs.List mb={18}>
          {TABS.map((one) => (
            <Tabs.Tab key={one} value={one}>
              {titleOf(one, run)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value={tab}>
          {tab === "accounts" && <Accounts run={run} />}
          {tab === "statistics" && <StatisticsTab run={run} />}
          {tab === "aside" && <SetAsideTab run={run} />}
          {tab === "card" && <Card run={run} />}
        </Tabs.Panel>
      </Tabs>
    </>
  );
}

function titleOf(tab: RunTab, { quarantined }: RunDetail): string {
  if (tab === "accounts") return "Accounts";
  if (tab === "statistics") return "Statistics";
  if (tab === "card") return "Dataset card";
  return quarantined === null ? "Set aside" : `Set aside (${count(quarantined)})`;
}
