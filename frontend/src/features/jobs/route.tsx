import { useDocumentVisibility } from "@mantine/hooks";
import { useInfiniteQuery } from "@tanstack/react-query";
import { createLazyRoute } from "@tanstack/react-router";
import { useState } from "react";

import { useMe } from "../../api/session";
import { SignInFirst } from "../../ui/Notice";
import { PageTitle } from "../../ui/Page";
import { Filters } from "./components/Filters";
import { Live } from "./components/Live";
import { Runs } from "./components/Runs";
import { Transfers } from "./components/Transfers";
import { useTransferEvents } from "./events";
import classes from "./Jobs.module.css";
import { isActive, runsQuery, transfersQuery } from "./queries";
import { RUN_STATES, TRANSFER_STATES } from "./search";

export const route = createLazyRoute("/jobs")({ component: JobsPage });

/** Strangers have no jobs to see; members see those of the products they may know of. */
function JobsPage() {
  const me = useMe();
  if (me?.authenticated !== false) return <Jobs />;
  return (
    <>
      <PageTitle>Jobs</PageTitle>
      <h1>Jobs</h1>
      <SignInFirst />
    </>
  );
}

function Jobs() {
  const { kind, state } = route.useSearch();
  const transferState = TRANSFER_STATES.find((one) => one === state);
  const runState = RUN_STATES.find((one) => one === state);
  const showTransfers = kind !== "runs" && (!state || transferState !== undefined);
  const showRuns = kind !== "transfers" && (!state || runState !== undefined);
  const [told, setTold] = useState(false);
  const asked = transfersQuery(transferState, told);
  const transfers = useInfiniteQuery({ ...asked, enabled: showTransfers });
  const runs = useInfiniteQuery({ ...runsQuery(runState), enabled: showRuns });
  const moves = showTransfers ? (transfers.data?.pages.flatMap((page) => page.results) ?? []) : [];
  useTransferEvents(moves.some(isActive), setTold);
  const rows = [
    ...moves,
    ...(showRuns ? (runs.data?.pages.flatMap((page) => page.results) ?? []) : []),
  ];
  const hidden = useDocumentVisibility() === "hidden";
  const failing = transfers.isError || runs.isError;
  return (
    <>
      <PageTitle>Jobs</PageTitle>
      <div className={classes["top"]}>
        <h1>Jobs</h1>
        <Live hidden={hidden} failing={failing} active={rows.filter(isActive).length} told={told} />
      </div>
      <Filters />
      <div className={classes["stack"]}>
        {showRuns && <Runs query={runs} />}
        {showTransfers && <Transfers query={transfers} />}
      </div>
    </>
  );
}
