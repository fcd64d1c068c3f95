import { Button, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { useInfiniteQuery } from "@tanstack/react-query";
import { createLazyRoute, Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { useMe } from "../../api/session";
import type { PipelineListed } from "../../api/types";
import { Commands } from "../../ui/Copy";
import { SearchIcon } from "../../ui/icons";
import { List } from "../../ui/List";
import { Empty, SignInFirst } from "../../ui/Notice";
import { PageTitle, TableFrame } from "../../ui/Page";
import page from "../../ui/Page.module.css";
import { State } from "../../ui/State";
import { Ago } from "../../ui/Values";
import { Way } from "../../ui/Way";
import { EXAMPLE } from "./draft";
import classes from "./Pipelines.module.css";
import { pipelinesQuery } from "./queries";

export const route = createLazyRoute("/pipelines")({ component: PipelinesPage });

const TYPING_MS = 200;

/** Pipelines whose input and output one may know of. */
function PipelinesPage() {
  const me = useMe();
  return (
    <>
      <PageTitle>Pipelines</PageTitle>
      <h1 className={page["title"]}>Pipelines</h1>
      {me?.authenticated === false && <SignInFirst />}
      {me?.authenticated && <Pipelines />}
    </>
  );
}

function Pipelines() {
  const { q = "" } = route.useSearch();
  const query = useInfiniteQuery(pipelinesQuery(q));
  const none = query.data?.pages[0]?.results.length === 0;
  if (none && !q) return <NoneYet />;
  return (
    <>
      <Search />
      <List title="Pipelines" what="pipelines" query={query} empty={`No pipeline holds “${q}”.`}>
        {(rows) => <Table rows={rows} />}
      </List>
    </>
  );
}

function Search() {
  const { q = "" } = route.useSearch();
  const navigate = useNavigate({ from: "/pipelines" });
  const [known, setKnown] = useState(q);
  const [typed, setTyped] = useState(q);
  if (known !== q) {
    setKnown(q); // the address changed: by what was typed, a link or going back
    if (q !== typed.trim()) setTyped(q);
  }
  const go = useDebouncedCallback((text: string) => {
    void navigate({ search: { q: text.trim() || undefined }, replace: true });
  }, TYPING_MS);
  return (
    <div className={classes["filters"]}>
      <TextInput
        type="search"
        aria-label="Search pipelines"
        placeholder="Part of a name, of an input or output"
        leftSection={<SearchIcon />}
        className={classes["grow"]}
        spellCheck={false}
        value={typed}
        onChange={(event) => {
          setTyped(event.currentTarget.value);
          go(event.currentTarget.value);
        }}
      />
      <Button component={Link} to="/pipelines/new" className={classes["spring"]}>
        Write a pipeline
      </Button>
    </div>
  );
}

/** How one makes the first pipeline: here, or from the command line out of a file. */
function NoneYet() {
  return (
    <div className={page["stack"]}>
      <Empty title="No pipeline yet">
        None whose input and output you may know of. A pipeline is a document: it names an input,
        steps and an output, and every run of it publishes the next version of the output.{" "}
        <Link to="/pipelines/new">Write one here</Link>, or keep it in a file and save it under a
        name:
      </Empty>
      <Commands
        label="How to make a pipeline"
        lines={[
          "cat > clean.yaml <<'END'",
          ...EXAMPLE.trimEnd().split("\n"),
          "END",
          "fairmesh pipeline create clean clean.yaml",
        ]}
      />
    </div>
  );
}

function Table({ rows }: { rows: PipelineListed[] }) {
  return (
    <TableFrame label="Pipelines">
      <table>
        <thead>
          <tr>
            <th scope="col">Pipeline</th>
            <th scope="col">Input → output</th>
            <th scope="col" className="num">
              Revision
            </th>
            <th scope="col">Last run</th>
            <th scope="col">Made by</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((pipeline) => (
            <tr key={pipeline.id}>
              <td className={classes["called"]}>
                <Link to="/pipelines/$pipelineId" params={{ pipelineId: pipeline.id }} className="mono">
                  {pipeline.name}
                </Link>
              </td>
              <td className={classes["name"]}>
                <Way from={pipeline.inputs} to={pipeline.output} />
              </td>
              <td className="num">{pipeline.revision}</td>
              <td className="tight">
                <LastRun run={pipeline.last_run} />
              </td>
              <td>{pipeline.created_by}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableFrame>
  );
}

function LastRun({ run }: { run: PipelineListed["last_run"] }) {
  if (!run) return <span className="muted">never</span>;
  return (
    <>
      <State value={run.state} />{" "}
      <Link to="/runs/$runId" params={{ runId: run.id }}>
        <Ago at={run.at} />
      </Link>
    </>
  );
}
