import { Button, NativeSelect, TextInput } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import type { Run, RunDetail } from "../../../api/types";
import { useNow } from "../../../ui/clock";
import { ago, lastPart, plural } from "../../../ui/format";
import { route } from "../compare";
import { runsOfQuery } from "../queries";
import classes from "../Runs.module.css";

/** Another run of the same pipeline out of a list, or any run by its id. */
export function ChooseRun({ run }: { run: RunDetail }) {
  const { with: chosen = "" } = route.useSearch();
  const navigate = useNavigate({ from: "/runs/$runId/compare" });
  const now = useNow();
  const listed = useInfiniteQuery(runsOfQuery(run.pipeline)).data?.pages[0]?.results ?? [];
  const others = listed.filter(({ id }) => id !== run.id);
  const known = others.some(({ id }) => id === chosen);
  const go = (other: string) =>
    void navigate({ search: { with: other || undefined }, resetScroll: false });
  return (
    <div className={classes["choose"]}>
      <NativeSelect
        label={`Compare with another run of ${run.pipeline}`}
        maw="100%"
        data={[
          { value: "", label: others.length > 0 ? "choose one" : "there is no other one" },
          ...others.map((other) => ({ value: other.id, label: wordsOf(other, now) })),
          ...(chosen && !known ? [{ value: chosen, label: "the run of the id below" }] : []),
        ]}
        value={chosen}
        onChange={(event) => go(event.currentTarget.value)}
      />
      <ById key={known ? "" : chosen} chosen={known ? "" : chosen} onChoose={go} />
    </div>
  );
}

function wordsOf(run: Run, now: number): string {
  const when = ago(run.finished_at ?? run.started_at ?? run.created_at, now);
  const made = run.output_version ? `, ${lastPart(run.output_version)}` : "";
  const rows = run.rows_out === null ? "" : `, ${plural(run.rows_out, "row")}`;
  return `${when}: ${run.state}${made}${rows}`;
}

function ById({ chosen, onChoose }: { chosen: string; onChoose: (id: string) => void }) {
  const [id, setId] = useState(chosen);
  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    onChoose(id.trim());
  };
  return (
    <form onSubmit={submit} aria-label="Any run">
      <TextInput
        label="Or with any run, by its id"
        required
        withAsterisk={false}
        spellCheck={false}
        pattern="\s*[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\s*"
        title="An id, as the address of a run's page ends with"
        w={330}
        maw="100%"
        value={id}
        onChange={(event) => setId(event.currentTarget.value)}
      />
      <Button type="submit" variant="default">
        Compare
      </Button>
    </form>
  );
}
