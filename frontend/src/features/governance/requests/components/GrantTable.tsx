import { Button, NumberInput, TextInput } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { Fragment, useState } from "react";

import type { Grant } from "../../../../api/types";
import { Confirm } from "../../../../ui/Confirm";
import { TableFrame } from "../../../../ui/Page";
import { ProductLink } from "../../../../ui/ProductLink";
import { Refused } from "../../../../ui/Refused";
import { State, Tag } from "../../../../ui/State";
import { Ago } from "../../../../ui/Values";
import { useRevoke } from "../../../product/accessQueries";
import classes from "../../Governance.module.css";
import { useRenew } from "../queries";
import { route } from "../route";

const COLUMNS = 6;
const DAYS = 90;

export function GrantTable({ rows }: { rows: Grant[] }) {
  return (
    <TableFrame label="Grants">
      <table>
        <thead>
          <tr>
            <th scope="col">Product</th>
            <th scope="col">Purpose</th>
            <th scope="col">State</th>
            <th scope="col">Granted by</th>
            <th scope="col">Ends</th>
            <th scope="col">Do</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((grant) => (
            <GrantRows key={grant.id} grant={grant} />
          ))}
        </tbody>
      </table>
    </TableFrame>
  );
}

function GrantRows({ grant }: { grant: Grant }) {
  const { open: chosen } = route.useSearch();
  const navigate = useNavigate({ from: "/governance/requests" });
  const revoke = useRevoke(grant.id);
  const open = chosen === grant.id;
  const state = stateOf(grant);
  const setOpen = (next: boolean) =>
    void navigate({
      search: (before) => ({ ...before, open: next ? grant.id : undefined }),
      resetScroll: false,
    });
  return (
    <Fragment>
      <tr>
        <td>
          <ProductLink name={grant.name} tab="access">
            <span className="mono">{grant.name}</span>
          </ProductLink>
          {grant.port && <div className={classes["quiet"]}>port {grant.port}</div>}
          {grant.team && <div className={classes["quiet"]}>for the team {grant.team}</div>}
        </td>
        <td>
          {grant.purpose} {grant.kind === "break-glass" && <Tag strong>broken glass</Tag>}
        </td>
        <td>
          <State value={state} />
        </td>
        <td>{grant.granted_by || "–"}</td>
        <td>
          <Ago at={grant.revoked_at ?? grant.expires_at} />
        </td>
        <td>
          <div className={classes["row"]}>
            {grant.kind === "grant" && state !== "revoked" && (
              <Button
                size="compact-xs"
                variant="default"
                aria-expanded={open}
                aria-label={`Renew ${grant.name}`}
                onClick={() => setOpen(!open)}
              >
                Renew
              </Button>
            )}
            {state === "active" && (
              <Confirm
                label="Give up"
                question="Give it up?"
                of={grant.name}
                size="compact-xs"
                loading={revoke.isPending}
                onConfirm={() => revoke.mutate()}
              />
            )}
          </div>
          <Refused error={revoke.error} />
        </td>
      </tr>
      {open && (
        <tr>
          <td colSpan={COLUMNS} className={classes["nested"]}>
            <Renew grant={grant} done={() => setOpen(false)} />
          </td>
        </tr>
      )}
    </Fragment>
  );
}

function Renew({ grant, done }: { grant: Grant; done: () => void }) {
  const renew = useRenew(grant.id);
  const [days, setDays] = useState(DAYS);
  const [reason, setReason] = useState("");
  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    renew.mutate({ days, reason }, { onSuccess: done });
  };
  return (
    <form onSubmit={submit} aria-label={`Renew ${grant.name}`}>
      <Refused error={renew.error} />
      <div className={classes["row"]}>
        <NumberInput
          label="For how many days more"
          min={1}
          max={365}
          w={180}
          value={days}
          onChange={(value) => setDays(Number(value) || DAYS)}
        />
        <TextInput
          label="Reason"
          maxLength={5000}
          flex={1}
          miw={220}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
        />
        <Button type="submit" loading={renew.isPending}>
          Ask to renew
        </Button>
      </div>
    </form>
  );
}

function stateOf(grant: Grant): string {
  if (grant.revoked_at) return "revoked";
  return new Date(grant.expires_at) < new Date() ? "expired" : "active";
}
