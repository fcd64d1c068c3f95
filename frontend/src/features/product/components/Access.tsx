import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";

import { useMe } from "../../../api/session";
import type { AccessRequest, Grant, Me, ProductDetail, Verdicts } from "../../../api/types";
import { LoadingRows } from "../../../ui/Loading";
import { Empty, Failure, Policies } from "../../../ui/Notice";
import { Panel, TableFrame } from "../../../ui/Page";
import { State } from "../../../ui/State";
import { Ago } from "../../../ui/Values";
import { myGrantsQuery, myRequestsQuery, useWithdraw } from "../accessQueries";
import classes from "../Product.module.css";
import { BreakGlass } from "./BreakGlass";
import { Inbox } from "./Inbox";
import { RequestForm } from "./RequestForm";

export function Access({ product }: { product: ProductDetail }) {
  const me = useMe();
  return (
    <div className={classes["stack"]}>
      {me?.authenticated && !product.can.administer.allow && <Mine product={product} />}
      {product.can.administer.allow && <Inbox product={product} />}
      {me && mayBreak(me) && !product.can.read.allow && <BreakGlass name={product.name} />}
      <WhatIMay verdicts={product.can} />
    </div>
  );
}

const mayBreak = (me: Me): boolean => me.is_operator || me.groups.includes("break-glass");

const ACTIONS: { action: keyof Verdicts; means: string }[] = [
  { action: "read", means: "Read its rows and files" },
  { action: "transform", means: "Make other products from it" },
  { action: "write", means: "Change what it says of itself" },
  { action: "publish", means: "Publish versions" },
  { action: "administer", means: "Decide on access, move it, retire it" },
];

function WhatIMay({ verdicts }: { verdicts: Verdicts }) {
  return (
    <Panel title="What you may do, and which policy says so" flush>
      <TableFrame label="Decisions">
        <table>
          <thead>
            <tr>
              <th scope="col">Action</th>
              <th scope="col">Answer</th>
              <th scope="col">Policies</th>
              <th scope="col">Reason</th>
            </tr>
          </thead>
          <tbody>
            {ACTIONS.map(({ action, means }) => {
              const verdict = verdicts[action];
              return (
                <tr key={action}>
                  <td>{means}</td>
                  <td>
                    <State value={verdict.allow ? "allowed" : "denied"} />
                  </td>
                  <td>
                    <Policies ids={verdict.policies} />
                  </td>
                  <td>{verdict.reason}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </TableFrame>
    </Panel>
  );
}

/** My grant or pending request on this product; or why not, and the form that asks. */
function Mine({ product }: { product: ProductDetail }) {
  const requests = useQuery(myRequestsQuery(product.name));
  const grants = useQuery(myGrantsQuery);
  if (requests.isPending || grants.isPending) return <LoadingRows rows={3} height={30} />;
  const error = requests.error ?? grants.error;
  if (error || !requests.data || !grants.data) {
    return <Failure error={error} retry={() => void requests.refetch()} />;
  }
  const live = grants.data.results.filter((grant) => holds(grant, product.name));
  const pending = requests.data.results.filter((request) => request.state === "pending");
  const last = requests.data.results.find((request) => request.state === "denied");
  const ask = !product.can.read.allow && pending.length === 0 && live.length === 0;
  return (
    <Panel title="Your access">
      {live.map((grant) => (
        <GrantLine key={grant.id} grant={grant} />
      ))}
      {pending.map((request) => (
        <PendingLine key={request.id} request={request} />
      ))}
      {ask && <WhyNot product={product} last={last} />}
      {ask && <RequestForm name={product.name} />}
      {product.can.read.allow && live.length === 0 && (
        <p className={classes["quiet"]}>You may read it. {product.can.read.reason}</p>
      )}
      {!ask && !product.can.read.allow && pending.length + live.length === 0 && (
        <Empty title="No access" />
      )}
    </Panel>
  );
}

function holds(grant: Grant, name: string): boolean {
  const over = grant.revoked_at ?? (new Date(grant.expires_at) < new Date() ? "expired" : null);
  return grant.name === name && !over;
}

function GrantLine({ grant }: { grant: Grant }) {
  return (
    <p className={classes["quiet"]}>
      <State value="allowed" /> for {grant.purpose}, granted by {grant.granted_by}; it ends{" "}
      <Ago at={grant.expires_at} />.
    </p>
  );
}

function PendingLine({ request }: { request: AccessRequest }) {
  const withdraw = useWithdraw();
  return (
    <div className={classes["request"]}>
      <div className={classes["text"]}>
        <State value="pending" /> You asked for {request.days} days of {request.purpose}{" "}
        <Ago at={request.created_at} />. The owner decides.
        {request.reason && <p>“{request.reason}”</p>}
        {withdraw.isError && <p role="alert">{withdraw.error.message}</p>}
      </div>
      <Button
        variant="default"
        size="xs"
        loading={withdraw.isPending}
        onClick={() => withdraw.mutate(request.id)}
      >
        Withdraw
      </Button>
    </div>
  );
}

interface WhyNotProps {
  product: ProductDetail;
  last: AccessRequest | undefined;
}

function WhyNot({ product, last }: WhyNotProps) {
  const { policies, reason } = product.can.read;
  return (
    <div className={classes["denied"]}>
      <strong>You may not read this product.</strong>
      <p>{reason}</p>
      {policies.length > 0 && (
        <p>
          Decided by <Policies ids={policies} />
        </p>
      )}
      {last && (
        <p>
          Your request of <Ago at={last.created_at} /> was denied by {last.decided_by}
          {last.comment && <>: “{last.comment}”</>}
        </p>
      )}
    </div>
  );
}
