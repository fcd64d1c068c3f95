import { Button } from "@mantine/core";
import { useState } from "react";

import type { PolicyKind } from "../../../../api/types";
import { CodeArea } from "../../../../ui/CodeArea";
import { Refused } from "../../../../ui/Refused";
import classes from "../../Governance.module.css";
import { readTests, writeTests } from "../text";

type Tests = Record<string, unknown>[];

interface DraftFormProps {
  kind: PolicyKind;
  text: string;
  tests: Tests;
  saving: { isPending: boolean; error: Error | null };
  onSave: (text: string, tests: Tests | null) => void;
  children?: React.ReactNode;
}

/** The text of a policy and, of an access policy, its tests; other kinds hold theirs themselves. */
export function DraftForm({ kind, text, tests, saving, onSave, children }: DraftFormProps) {
  const [written, setWritten] = useState(text);
  const [testText, setTestText] = useState(writeTests(tests));
  const [wrong, setWrong] = useState("");
  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    const found = kind === "access" ? readTests(testText) : null;
    setWrong(typeof found === "string" ? found : "");
    if (typeof found !== "string") onSave(written, found);
  };
  return (
    <form
      onSubmit={submit}
      className={`${classes["form"]} ${classes["wide"]}`}
      aria-label="Text of the policy"
    >
      <Refused error={saving.error} />
      <CodeArea
        label={kind === "access" ? "Policy, in Cedar" : "Policy, in YAML"}
        value={written}
        onChange={setWritten}
      />
      {kind === "access" && (
        <CodeArea
          label="Tests, in JSON"
          description="Each names a principal, an action, a resource and what to expect: allow or deny."
          minLines={4}
          value={testText}
          onChange={setTestText}
        />
      )}
      {wrong && <p role="alert">{wrong}</p>}
      <div className={classes["row"]}>
        <Button type="submit" loading={saving.isPending}>
          Save the draft
        </Button>
        {children}
      </div>
    </form>
  );
}
