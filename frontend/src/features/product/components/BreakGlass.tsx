import {
  Button,
  Group,
  NativeSelect,
  NumberInput,
  PasswordInput,
  Textarea,
  TextInput,
} from "@mantine/core";
import { useState } from "react";

import { Panel } from "../../../ui/Page";
import { Refused } from "../../../ui/Refused";
import { useBreakGlass } from "../accessQueries";
import classes from "../Product.module.css";

const PURPOSES = ["operations", "analytics", "evaluation", "inference", "model-training"] as const;
const MAX_HOURS = 4;

/** Reading without a grant, in an emergency: here alone, where people show anew who they are. */
export function BreakGlass({ name }: { name: string }) {
  const [open, setOpen] = useState(false);
  return (
    <Panel title="In an emergency">
      <p className={classes["quiet"]}>
        You may break the glass: read without a grant for up to {MAX_HOURS} hours. The owners are
        told at once, and review what you did.
      </p>
      {!open && (
        <Button mt={12} variant="default" onClick={() => setOpen(true)}>
          Break the glass…
        </Button>
      )}
      {open && <GlassForm name={name} />}
    </Panel>
  );
}

function GlassForm({ name }: { name: string }) {
  const glass = useBreakGlass();
  const [purpose, setPurpose] = useState<(typeof PURPOSES)[number]>("operations");
  const [hours, setHours] = useState(1);
  const [reason, setReason] = useState("");
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    glass.mutate({ name, purpose, reason, hours, password, code });
  };
  return (
    <form onSubmit={submit} className={classes["form"]} style={{ marginTop: 14 }} aria-label="Break the glass">
      <Refused error={glass.error} />
      <Textarea
        label="What happened"
        description="The owners read it."
        required
        withAsterisk={false}
        autosize
        minRows={2}
        maxLength={5000}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
      <Group grow>
        <NativeSelect
          label="Purpose"
          data={[...PURPOSES]}
          value={purpose}
          onChange={(event) => setPurpose(event.currentTarget.value as typeof purpose)}
        />
        <NumberInput
          label="For how many hours"
          min={1}
          max={MAX_HOURS}
          value={hours}
          onChange={(value) => setHours(Number(value) || 1)}
        />
      </Group>
      <Group grow>
        <PasswordInput
          label="Your password"
          autoComplete="current-password"
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        <TextInput
          label="Code of your second factor"
          placeholder="if you have one"
          autoComplete="one-time-code"
          value={code}
          onChange={(event) => setCode(event.currentTarget.value)}
        />
      </Group>
      <div>
        <Button type="submit" color="red" loading={glass.isPending}>
          Break the glass
        </Button>
      </div>
    </form>
  );
}
