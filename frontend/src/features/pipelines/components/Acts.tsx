import { Button } from "@mantine/core";
import { useState } from "react";

import page from "../../../ui/Page.module.css";
import classes from "../Pipelines.module.css";
import type { Verb } from "../queries";
import { SAMPLED_FIRST } from "../search";
import { RowsInput } from "./RowsInput";

/** The value of the button that saves and runs. */
export const AND_RUN = "run";

interface ActsProps {
  /** What is under way. */
  busy: Verb | "save" | undefined;
  onAsk: (verb: Verb, rows: number) => void;
}

/** What may be done with a document: three ways to look at it first, and two to save it. */
export function Acts({ busy, onAsk }: ActsProps) {
  const [rows, setRows] = useState(SAMPLED_FIRST);
  const look = (verb: Verb, label: string) => (
    <Button
      variant="default"
      loading={busy === verb}
      disabled={busy !== undefined && busy !== verb}
      onClick={() => onAsk(verb, rows)}
    >
      {label}
    </Button>
  );
  const saving = busy !== undefined && busy !== "save";
  return (
    <div className={page["ask"]}>
      {look("check", "Check")}
      {look("plan", "Plan")}
      <div className={classes["sampling"]}>
        <RowsInput rows={rows} onRows={setRows} />
        {look("sample", "Sample")}
      </div>
      <div className={classes["saving"]}>
        <Button type="submit" loading={busy === "save"} disabled={saving}>
          Save
        </Button>
        <Button type="submit" value={AND_RUN} variant="light" disabled={busy !== undefined}>
          Save and run
        </Button>
      </div>
    </div>
  );
}
