import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import type { Pipeline } from "../../../api/types";
import { Asked } from "../../../ui/Asked";
import { Empty } from "../../../ui/Notice";
import page from "../../../ui/Page.module.css";
import { route } from "../page";
import { sampleQuery } from "../queries";
import { SAMPLED_FIRST } from "../search";
import { RowsInput } from "./RowsInput";
import { SampleShown } from "./SampleShown";
import { Whole } from "./Whole";

/** What becomes of the first rows of the input. Rows are read only when one asks for it. */
export function SampleTab({ pipeline }: { pipeline: Pipeline }) {
  const { rows } = route.useSearch();
  return (
    <div className={page["stack"]}>
      <AskSample rows={rows ?? SAMPLED_FIRST} key={rows} />
      {rows ? (
        <Sampled pipeline={pipeline} rows={rows} />
      ) : (
        <Empty title="Try it on the first rows">
          Nothing is written. You see each row before and after the steps, and why one is dropped.
          The look at the input is in the audit log.
        </Empty>
      )}
    </div>
  );
}

function AskSample({ rows: given }: { rows: number }) {
  const { whole } = route.useSearch();
  const navigate = useNavigate({ from: "/pipelines/$pipelineId" });
  const [rows, setRows] = useState(given);
  const set = (change: { rows?: number; whole?: "yes" | undefined }) =>
    void navigate({ search: (before) => ({ ...before, ...change }), resetScroll: false });
  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    set({ rows });
  };
  return (
    <form onSubmit={submit} className={page["ask"]} aria-label="Sample">
      <RowsInput rows={rows} onRows={setRows} />
      <Button type="submit" variant="default">
        Show what becomes of them
      </Button>
      <Whole whole={whole === "yes"} onWhole={(next) => set({ whole: next })} />
    </form>
  );
}

function Sampled({ pipeline, rows }: { pipeline: Pipeline; rows: number }) {
  const { purpose = "", whole } = route.useSearch();
  const sample = useQuery(sampleQuery(pipeline, purpose, rows));
  return (
    <Asked query={sample} height={44}>
      {(found) => <SampleShown sample={found} whole={whole === "yes"} />}
    </Asked>
  );
}
