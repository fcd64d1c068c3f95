import { Alert, Button, Checkbox, Group, NativeSelect, NumberInput, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { asProblem } from "../../../api/problem";
import type { Action } from "../../../api/types";
import { Copy } from "../../../ui/Copy";
import { Panel } from "../../../ui/Page";
import classes from "../Account.module.css";
import { agentsQuery, useCreateToken } from "../queries";

/** Every action that the API knows; a new one there fails the build here. */
const ACTIONS: Record<Action, string> = {
  discover: "Discover",
  read: "Read",
  write: "Write",
  publish: "Publish",
  replicate: "Replicate",
  transform: "Transform",
  administer: "Administer",
};
const DAYS = 30;

export function CreateToken() {
  const create = useCreateToken();
  const agents = useQuery(agentsQuery);
  const [title, setTitle] = useState("");
  const [days, setDays] = useState(DAYS);
  const [actions, setActions] = useState<string[]>([]);
  const [prefix, setPrefix] = useState("/");
  const [agent, setAgent] = useState("");
  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    const scopes = actions.length === 0 ? null : [{ actions: actions as Action[], prefix }];
    create.mutate({ title, days, scopes, agent }, { onSuccess: () => setTitle("") });
  };
  const names = (agents.data?.results ?? []).map((one) => one.username);
  return (
    <Panel title="New token">
      <form onSubmit={submit} className={classes["form"]} aria-label="New token">
        {create.isError && (
          <Alert color="red" variant="outline" role="alert" title={asProblem(create.error).title}>
            {asProblem(create.error).detail}
          </Alert>
        )}
        {create.data && <Shown token={create.data.token} />}
        <TextInput
          label="What it is for"
          required
          withAsterisk={false}
          maxLength={200}
          value={title}
          onChange={(event) => setTitle(event.currentTarget.value)}
        />
        <NumberInput
          label="For how many days"
          min={1}
          max={366}
          value={days}
          onChange={(value) => setDays(Number(value) || DAYS)}
        />
        {names.length > 0 && (
          <NativeSelect
            label="Who acts with it"
            description="An agent may do what it may and you may, and no more."
            data={[{ value: "", label: "I do" }, ...names]}
            value={agent}
            onChange={(event) => setAgent(event.currentTarget.value)}
          />
        )}
        <Checkbox.Group
          label="Only these actions"
          description="None chosen means everything that you may do."
          value={actions}
          onChange={setActions}
        >
          <Group gap="md" mt={6}>
            {Object.entries(ACTIONS).map(([value, label]) => (
              <Checkbox key={value} value={value} label={label} />
            ))}
          </Group>
        </Checkbox.Group>
        {actions.length > 0 && (
          <TextInput
            label="Only below this name"
            description="A domain or a product, or / for all"
            required
            withAsterisk={false}
            value={prefix}
            onChange={(event) => setPrefix(event.currentTarget.value)}
          />
        )}
        <div>
          <Button type="submit" loading={create.isPending}>
            Make the token
          </Button>
        </div>
      </form>
    </Panel>
  );
}

/** The secret: the API never tells it again. */
function Shown({ token }: { token: string }) {
  return (
    <Alert color="teal" variant="outline" role="status" title="Copy it now; it is shown this once">
      <span className={classes["secret"]}>
        <code>{token}</code>
        <Copy value={token} what="token" />
      </span>
    </Alert>
  );
}
