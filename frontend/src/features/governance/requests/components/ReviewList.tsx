import { Button, Textarea } from "@mantine/core";
import { useState } from "react";

import type { Grant, ReviewVerdict } from "../../../../api/types";
import { useNow } from "../../../../ui/clock";
import { ProductLink } from "../../../../ui/ProductLink";
import { Refused } from "../../../../ui/Refused";
import { State } from "../../../../ui/State";
import { Ago } from "../../../../ui/Values";
import classes from "../../Governance.module.css";
import { useReview } from "../queries";

/** Who read without a grant, and why; an owner says whether it was right. */
export function ReviewList({ rows }: { rows: Grant[] }) {
  return (
    <ul className={classes["list"]}>
      {rows.map((grant) => (
        <ReviewItem key={grant.id} grant={grant} />
      ))}
    </ul>
  );
}

function ReviewItem({ grant }: { grant: Grant }) {
  const now = useNow();
  const overdue = grant.review_due_at !== null && new Date(grant.review_due_at).getTime() < now;
  return (
    <li className={classes["item"]}>
      <div className={classes["line"]}>
        <div className={classes["text"]}>
          <strong>{grant.username}</strong> broke the glass on{" "}
          <ProductLink name={grant.name}>
            <span className="mono">{grant.name}</span>
          </ProductLink>{" "}
          for {grant.purpose} <Ago at={grant.created_at} />; it ends{" "}
          <Ago at={grant.revoked_at ?? grant.expires_at} />
        </div>
        <span className={classes["quiet"]}>
          {overdue ? <State value="overdue" /> : "review due"} <Ago at={grant.review_due_at} />
        </span>
      </div>
      {grant.reason && <p className={classes["lead"]}>“{grant.reason}”</p>}
      <ReviewForm grant={grant} />
    </li>
  );
}

function ReviewForm({ grant }: { grant: Grant }) {
  const review = useReview(grant.id);
  const [comment, setComment] = useState("");
  const [silent, setSilent] = useState(false);
  const judge = (verdict: ReviewVerdict) => {
    setSilent(!comment.trim());
    if (comment.trim()) review.mutate({ verdict, comment });
  };
  return (
    <div className={classes["form"]}>
      <Refused error={review.error} />
      <Textarea
        label={`What you found out about ${grant.username}`}
        error={silent && !comment.trim() && "Say what you found; it is kept with the verdict."}
        autosize
        minRows={1}
        maxLength={5000}
        value={comment}
        onChange={(event) => setComment(event.currentTarget.value)}
      />
      <div className={classes["row"]}>
        <Button size="xs" loading={review.isPending} onClick={() => judge("justified")}>
          Justified
        </Button>
        <Button
          size="xs"
          variant="default"
          disabled={review.isPending}
          onClick={() => judge("unjustified")}
        >
          Unjustified
        </Button>
        <span className={classes["quiet"]}>“Unjustified” ends it at once.</span>
      </div>
    </div>
  );
}
