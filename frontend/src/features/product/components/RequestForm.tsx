import { Alert, Button, NumberInput, Select, Textarea } from "@mantine/core";
import { useState } from "react";

import { asProblem } from "../../../api/problem";
import type { Purpose } from "../../../api/types";
import { useRequestAccess } from "../accessQueries";
import classes from "../Product.module.css";

/** Every purpose that the API knows, in words; a new one there fails the build here. */
const PURPOSES: Record<Purpose, string> = {
  analytics: "Analytics",
  "model-training": "Model training",
  evaluation: "Evaluation",
  inference: "Inference",
  operations: "Operations",
  any: "Any purpose",
};
const OPTIONS = Object.entries(PURPOSES).map(([value, label]) => ({ value, label }));
const DAYS = 90;

export function RequestForm({ name }: { name: string }) {
  const request = useRequestAccess();
  const [purpose, setPurpose] = useState<Purpose>("analytics");
  const [days, setDays] = useState(DAYS);
  const [reason, setReason] = useState("");
  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    request.mutate({ name, purpose, days, reason });
  };
  return (
    <form onSubmit={submit} className={classes["form"]} aria-label="Ask for access">
      {request.isError && (
        <Alert color="red" variant="outline" role="alert" title={asProblem(request.error).title}>
          {asProblem(request.error).detail}
        </Alert>
      )}
      <Select
        label="Purpose"
        data={OPTIONS}
        value={purpose}
        allowDeselect={false}
        onChange={(value) => setPurpose((value ?? "analytics") as Purpose)}
        comboboxProps={{ withinPortal: false }}
      />
      <NumberInput
        label="For how many days"
        min={1}
        max={365}
        value={days}
        onChange={(value) => setDays(Number(value) || DAYS)}
      />
      <Textarea
        label="Reason"
        description="The owner reads it and decides."
        autosize
        minRows={2}
        maxLength={5000}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
      <div>
        <Button type="submit" loading={request.isPending}>
          Ask for access
        </Button>
      </div>
    </form>
  );
}
