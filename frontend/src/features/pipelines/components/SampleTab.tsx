import { Button, NumberInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import type { Pipeline, PipelineSample } from "../../../api/types";
import { count, plural } from "../../../ui/format";
import { LoadingRows } from "../../../ui/Loading";
import { Empty, Failure } from "../../../ui/Notice";
import { Panel } from "../../../ui/Page";
import { SetAsideTable } from "../../runs/components/SetAsideTable";
import { route } from "../page";
import classes from "../Pipelines.module.css";
import { sampleQuery } from "../queries";
import { MOST_SAMPLED } from "../search";
import { SampledRows } from "./SampledRows";
import { AskForInput } from "./AskForInput";
import { shown } from "../values";

const FIRST = 20;
const WRITTEN_AT_MOST = 5;

/** What becomes of the first rows of the input. Rows are read only when one asks for it. */
export function SampleTab({ pipeline }: { pipeline: Pipeline }) {
  const { rows } = route.useSearch();
  return (
    <div className={classes["stack"]}>
      <AskSample rows={rows ?? FIRST} key={rows} />
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
    <form onSubmit={submit} className={classes["ask"]} aria-label="Sample">
      <NumberInput
        label="Rows"
        w={110}
        min={1}
        max={MOST_SAMPLED}
        clampBehavior="strict"
        allowDecimal={false}
        value={rows}
        onChange={(value) => setRows(Number(value) || FIRST)}
      />
      <Button type="submit" variant="default">
        Show what becomes of them
      </Button>
      <Button
        variant="subtle"
        aria-pressed={whole === "yes"}
        onClick={() => set({ whole: whole ? undefined : "yes" })}
      >
        {whole ? "Cut long values" : "Show long values whole"}
      </Button>
    </form>
  );
}

function Sampled({ pipeline, rows }: { pipeline: Pipeline; rows: number }) {
  const { purpose = "" } = route.useSearch();
  const sample = useQuery(sampleQuery(pipeline, purpose, rows));
  if (sample.isPending) return <LoadingRows rows={8} height={44} />;
  if (sample.isError) {
    return (
      <Failure
        error={sample.error}
        retry={() => void sample.refetch()}
        whenDenied={<AskForInput pipeline={pipeline} />}
      />
    );
  }
  if (sample.data.rows.length === 0) return <Empty title="The input has no rows" />;
  return (
    <>
      <Summary sample={sample.data} />
      <SampledRows rows={sample.data.rows} />
      <Written rows={sample.data.output} />
      {sample.data.quarantined.length > 0 && (
        <SetAsideTable title="Set aside" rows={sample.data.quarantined} />
      )}
    </>
  );
}

function Summary({ sample }: { sample: PipelineSample }) {
  const reasons = new Map<string, number>();
  for (const { dropped_by: reason } of sample.rows) {
    if (reason) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  const kept = sample.rows.filter((row) => row.after !== null).length;
  return (
    <p className={classes["summary"]} role="status">
      Of {plural(sample.rows.length, "row")} {count(kept)} kept
      {[...reasons].map(([reason, rows]) => (
        <span key={reason}>
          , {count(rows)} dropped by <span className="mono">{reason}</span>
        </span>
      ))}
      {sample.quarantined.length > 0 && `; ${count(sample.quarantined.length)} beside them set aside`}
      . Duplicates are found among these rows only.
    </p>
  );
}

/** Rows as they would stand in the result, which for packed ones are not those that came in. */
function Written({ rows }: { rows: PipelineSample["output"] }) {
  const { whole } = route.useSearch();
  const first = rows.slice(0, WRITTEN_AT_MOST);
  const aside = rows.length > first.length ? `the first ${first.length} of ${rows.length}` : undefined;
  return (
    <Panel title="What would be written" aside={aside} flush>
      {rows.length === 0 && <p className={classes["pad"]}>No row, of these alone.</p>}
      <ol className={classes["written"]}>
        {first.map((row, position) => (
          <li key={position} className="mono">
            {shown(row, whole === "yes")}
          </li>
        ))}
      </ol>
    </Panel>
  );
}
