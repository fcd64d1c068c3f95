import { Button, NativeSelect, TextInput } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import type { Action } from "../../../../api/types";
import classes from "../../Governance.module.css";
import { route } from "../route";
import { ACTIONS } from "../search";

const PURPOSES = ["analytics", "evaluation", "inference", "model-training", "operations"];

/** The question, which the address holds once it is asked. */
export function QuestionForm() {
  const given = route.useSearch();
  const navigate = useNavigate({ from: "/governance/who" });
  const [name, setName] = useState(given.name ?? "");
  const [action, setAction] = useState<Action>(given.action ?? "read");
  const [person, setPerson] = useState(given.person ?? "");
  const [purpose, setPurpose] = useState(given.purpose ?? "");
  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    const asked = { name: name.trim(), action, person: person.trim() || undefined };
    void navigate({ search: { ...asked, purpose: purpose || undefined } });
  };
  return (
    <form onSubmit={submit} className={classes["filters"]} aria-label="Question">
      <TextInput
        label="Product or domain, by its name"
        placeholder="/acme/nlp/~/wiki"
        required
        withAsterisk={false}
        flex={1}
        miw={240}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <NativeSelect
        label="Action"
        data={Object.entries(ACTIONS).map(([value, label]) => ({ value, label }))}
        value={action}
        onChange={(event) => setAction(event.currentTarget.value as Action)}
      />
      <TextInput
        label="Person"
        placeholder="you"
        w={150}
        value={person}
        onChange={(event) => setPerson(event.currentTarget.value)}
      />
      <NativeSelect
        label="Purpose"
        data={[{ value: "", label: "none stated" }, ...PURPOSES]}
        value={purpose}
        onChange={(event) => setPurpose(event.currentTarget.value)}
      />
      <Button type="submit">Ask</Button>
    </form>
  );
}
