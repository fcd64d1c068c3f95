import { Button, Textarea } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import type { Remark } from "../../../../api/types";
import { LoadingRows } from "../../../../ui/Loading";
import { Failure } from "../../../../ui/Notice";
import { Refused } from "../../../../ui/Refused";
import { Ago } from "../../../../ui/Values";
import classes from "../../Governance.module.css";
import { remarksQuery, useRemark } from "../queries";

/** What was said about a request, the oldest first, and a field to say more. */
export function Thread({ request }: { request: string }) {
  const remarks = useQuery(remarksQuery(request));
  return (
    <section aria-label="What was said">
      <h3>What was said</h3>
      {remarks.isPending && <LoadingRows rows={2} height={20} />}
      {remarks.isError && (
        <Failure error={remarks.error} retry={() => void remarks.refetch()} />
      )}
      {remarks.data && <Remarks rows={remarks.data.results.toReversed()} />}
      <Say request={request} />
    </section>
  );
}

function Remarks({ rows }: { rows: Remark[] }) {
  if (rows.length === 0) return <p className={classes["lead"]}>Nothing yet.</p>;
  return (
    <ol className={classes["remarks"]}>
      {rows.map((remark) => (
        <li key={remark.id}>
          <strong>{remark.author ?? "Fairmesh"}</strong> <Ago at={remark.created_at} />
          <div>{remark.text}</div>
        </li>
      ))}
    </ol>
  );
}

function Say({ request }: { request: string }) {
  const remark = useRemark(request);
  const [text, setText] = useState("");
  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    remark.mutate(text, { onSuccess: () => setText("") });
  };
  return (
    <form onSubmit={submit} className={classes["form"]} aria-label="Say something">
      <Refused error={remark.error} />
      <Textarea
        label="Ask or answer"
        required
        withAsterisk={false}
        autosize
        minRows={1}
        maxLength={5000}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      <div>
        <Button type="submit" size="xs" variant="default" loading={remark.isPending}>
          Say it
        </Button>
      </div>
    </form>
  );
}
