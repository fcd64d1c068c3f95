import { Button, Textarea } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import type { Declassification, LabelInForce, ProductDetail } from "../../../api/types";
import { Confirm } from "../../../ui/Confirm";
import { LoadingRows } from "../../../ui/Loading";
import { Failure } from "../../../ui/Notice";
import { Panel, TableFrame } from "../../../ui/Page";
import { Refused } from "../../../ui/Refused";
import { Tag } from "../../../ui/State";
import { Ago } from "../../../ui/Values";
import {
  declassificationsQuery,
  useDeclassify,
  useRevokeDeclassification,
} from "../labelQueries";
import classes from "../Product.module.css";

/** Opens the form that signs that an inherited label goes no further than this. */
export function DeclassifyButton({ row }: { row: LabelInForce }) {
  const [open, setOpen] = useState(false);
  const declassify = useDeclassify();
  const [reason, setReason] = useState("");
  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    declassify.mutate({ name: row.name, label: row.label, column: row.column, reason });
  };
  const what = `${row.label}${row.column && ` of ${row.column}`}`;
  return (
    <>
      <Button
        size="compact-xs"
        variant="default"
        aria-expanded={open}
        aria-label={`Declassify ${what}`}
        onClick={() => setOpen(!open)}
      >
        Declassify
      </Button>
      {open && (
        <form onSubmit={submit} className={classes["inline"]} aria-label={`Declassify ${what}`}>
          <Refused error={declassify.error} />
          <Textarea
            label="Reason"
            description="It is signed with your name."
            required
            withAsterisk={false}
            autosize
            minRows={2}
            maxLength={10_000}
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
          />
          <Button type="submit" size="xs" loading={declassify.isPending}>
            Sign it
          </Button>
        </form>
      )}
    </>
  );
}

export function Declassifications({ product }: { product: ProductDetail }) {
  const found = useQuery(declassificationsQuery(product.name));
  if (found.isPending) return <LoadingRows rows={1} height={34} />;
  if (found.isError) return <Failure error={found.error} retry={() => void found.refetch()} />;
  if (found.data.results.length === 0) return null;
  return (
    <Panel title="Declassified here" aside="Signed statements, the revoked ones too" flush>
      <TableFrame label="Declassifications">
        <table>
          <thead>
            <tr>
              <th scope="col">Label</th>
              <th scope="col">Column</th>
              <th scope="col">Reason</th>
              <th scope="col">Signed</th>
              <th scope="col">Revoked</th>
            </tr>
          </thead>
          <tbody>
            {found.data.results.map((row) => (
              <Row key={row.id} row={row} decides={product.can.administer.allow} />
            ))}
          </tbody>
        </table>
      </TableFrame>
    </Panel>
  );
}

function Row({ row, decides }: { row: Declassification; decides: boolean }) {
  const revoke = useRevokeDeclassification(row.id);
  return (
    <tr>
      <td>
        <Tag>{row.label}</Tag>
      </td>
      <td className="mono">{row.column || "–"}</td>
      <td>{row.reason}</td>
      <td>
        {row.created_by} <Ago at={row.created_at} />
      </td>
      <td>
        {row.revoked_at && (
          <>
            {row.revoked_by} <Ago at={row.revoked_at} />
          </>
        )}
        {!row.revoked_at && decides && (
          <Confirm
            label="Revoke"
            question="Let the label stand again?"
            of={row.label}
            size="compact-xs"
            loading={revoke.isPending}
            onConfirm={() => revoke.mutate()}
          />
        )}
        {!row.revoked_at && !decides && "–"}
        <Refused error={revoke.error} />
      </td>
    </tr>
  );
}
