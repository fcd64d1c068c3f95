import { Button, NumberInput, Textarea } from "@mantine/core";
import { useState } from "react";

import type { AccessRequest } from "../../../../api/types";
import { Refused } from "../../../../ui/Refused";
import classes from "../../Governance.module.css";
import { useAnswer } from "../queries";

/** Approve, perhaps for fewer days, or deny; a denial says why. */
export function DecideForm({ request }: { request: AccessRequest }) {
  const answer = useAnswer();
  const [days, setDays] = useState(request.days);
  const [comment, setComment] = useState("");
  const [silent, setSilent] = useState(false);
  const deny = () => {
    setSilent(!comment.trim());
    if (comment.trim()) answer.mutate({ id: request.id, comment, days: null });
  };
  const approve = (event: React.FormEvent) => {
    event.preventDefault();
    answer.mutate({ id: request.id, comment, days });
  };
  return (
    <section aria-label="Your answer">
      <h3>Your answer</h3>
      <form onSubmit={approve} className={classes["form"]} aria-label="Your answer">
        <Refused error={answer.error} />
        <NumberInput
          label="For how many days"
          description={`At most the ${request.days} that were asked for.`}
          min={1}
          max={request.days}
          value={days}
          onChange={(value) => setDays(Number(value) || request.days)}
        />
        <Textarea
          label="Comment"
          description={`${request.username} reads it.`}
          error={silent && !comment.trim() && "Say why you deny it."}
          autosize
          minRows={2}
          maxLength={5000}
          value={comment}
          onChange={(event) => setComment(event.currentTarget.value)}
        />
        <div className={classes["row"]}>
          <Button type="submit" size="xs" loading={answer.isPending}>
            Approve
          </Button>
          <Button size="xs" variant="default" disabled={answer.isPending} onClick={deny}>
            Deny
          </Button>
        </div>
      </form>
    </section>
  );
}
