import { Button, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import type { AccessRequest, Grant, ProductDetail } from "../../../api/types";
import { Confirm } from "../../../ui/Confirm";
import { LoadingRows } from "../../../ui/Loading";
import { Failure } from "../../../ui/Notice";
import { Panel, TableFrame } from "../../../ui/Page";
import { Refused } from "../../../ui/Refused";
import { State, Tag } from "../../../ui/State";
import { Ago } from "../../../ui/Values";
import { grantsOnQuery, inboxQuery, useAnswerRequest, useRevoke } from "../accessQueries";
import classes from "../Product.module.css";

/** For those who decide on a product: who asks, and who was granted what. */
export function Inbox({ product }: { product: ProductDetail }) {
  return (
    <>
      <Requests name={product.name} />
      <Grants name={product.name} />
    </>
  );
}

function Requests({ name }: { name: string }) {
  const inbox = useQuery(inboxQuery(name));
  if (inbox.isPending) return <LoadingRows rows={2} height={40} />;
  if (inbox.isError) return <Failure error={inbox.error} retry={() => void inbox.refetch()} />;
  const rows = inbox.data.results;
  return (
    <Panel title="Requests that wait for you" flush>
      {rows.length === 0 && <p className={classes["pad"]}>Nobody waits for an answer.</p>}
      {rows.map((request) => (
        <RequestLine key={request.id} request={request} />
      ))}
    </Panel>
  );
}

function RequestLine({ request }: { request: AccessRequest }) {
  const answer = useAnswerRequest();
  const [comment, setComment] = useState("");
  const decide = (approve: boolean) => answer.mutate({ id: request.id, approve, comment });
  return (
    <div className={classes["request"]}>
      <div className={classes["text"]}>
        <strong>{request.username}</strong> asks for {request.days} days of {request.purpose}{" "}
        <Ago at={request.created_at} />
        {request.reason && <p>“{request.reason}”</p>}
        {answer.isError && <p role="alert">{answer.error.message}</p>}
      </div>
      <TextInput
        aria-label={`Comment for ${request.username}`}
        placeholder="Comment"
        size="xs"
        value={comment}
        onChange={(event) => setComment(event.currentTarget.value)}
      />
      <Button size="xs" loading={answer.isPending} onClick={() => decide(true)}>
        Approve
      </Button>
      <Button size="xs" variant="default" disabled={answer.isPending} onClick={() => decide(false)}>
        Deny
      </Button>
    </div>
  );
}

function Grants({ name }: { name: string }) {
  const grants = useQuery(grantsOnQuery(name));
  if (grants.isPending) return <LoadingRows rows={2} height={34} />;
  if (grants.isError) return <Failure error={grants.error} retry={() => void grants.refetch()} />;
  const rows = grants.data.results;
  if (rows.length === 0) return null;
  return (
    <Panel title="Who was granted access" flush>
      <TableFrame label="Grants">
        <table>
          <thead>
            <tr>
              <th scope="col">Who</th>
              <th scope="col">Purpose</th>
              <th scope="col">State</th>
              <th scope="col">Granted by</th>
              <th scope="col">Ends</th>
              <th scope="col">Do</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((grant) => (
              <GrantRow key={grant.id} grant={grant} />
            ))}
          </tbody>
        </table>
      </TableFrame>
    </Panel>
  );
}

function GrantRow({ grant }: { grant: Grant }) {
  const revoke = useRevoke(grant.id);
  const state = stateOf(grant.revoked_at, grant.expires_at);
  const who = grant.team ? `the team ${grant.team}` : grant.username;
  return (
    <tr>
      <td>{who}</td>
      <td>
        {grant.purpose} {grant.kind === "break-glass" && <Tag strong>broken glass</Tag>}
      </td>
      <td>
        <State value={state} />
      </td>
      <td>{grant.granted_by}</td>
      <td>
        <Ago at={grant.revoked_at ?? grant.expires_at} />
      </td>
      <td>
        {state === "active" && (
          <Confirm
            label="Revoke"
            question="Revoke it?"
            of={`the grant of ${who}`}
            size="compact-xs"
            loading={revoke.isPending}
            onConfirm={() => revoke.mutate()}
          />
        )}
        <Refused error={revoke.error} />
      </td>
    </tr>
  );
}

function stateOf(revoked: string | null | undefined, expires: string): string {
  if (revoked) return "revoked";
  return new Date(expires) < new Date() ? "expired" : "active";
}
