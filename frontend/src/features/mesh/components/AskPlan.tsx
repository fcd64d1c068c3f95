import { Button, SegmentedControl, TextInput } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import page from "../../../ui/Page.module.css";
import classes from "../Mesh.module.css";
import { type AskedPlan, KINDS, type PlanKind } from "../search";

const FIELDS: Record<PlanKind, { title: string; label: string; example: string }> = {
  name: { title: "Name", label: "Name, and all below it", example: "/ for the whole mesh" },
  policy: { title: "Policy", label: "Protection policy", example: "two-copies" },
  site: { title: "Site", label: "Site", example: "core-eu" },
};

/** What the plan is asked for; it is in the address as soon as it is sent. */
export function AskPlan({ asked }: { asked: AskedPlan | undefined }) {
  const navigate = useNavigate({ from: "/mesh/plan" });
  const [kind, setKind] = useState<PlanKind>(asked?.kind ?? "name");
  const [value, setValue] = useState(asked?.value ?? "");
  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    void navigate({ search: { [kind]: value.trim() } });
  };
  const choose = (next: string) => {
    setKind(next as PlanKind);
    setValue(next === asked?.kind ? asked.value : "");
  };
  return (
    <form onSubmit={submit} className={page["ask"]} aria-label="What to plan for">
      <SegmentedControl
        aria-label="Plan for a"
        value={kind}
        onChange={choose}
        data={KINDS.map((one) => ({ value: one, label: FIELDS[one].title }))}
      />
      <TextInput
        className={classes["grow"]}
        aria-label={FIELDS[kind].label}
        placeholder={FIELDS[kind].example}
        required
        spellCheck={false}
        autoCapitalize="off"
        value={value}
        onChange={(event) => setValue(event.currentTarget.value)}
      />
      <Button type="submit" variant="default">
        Show what would move
      </Button>
    </form>
  );
}
