import { Button, Select } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { createLazyRoute, Link, useNavigate } from "@tanstack/react-router";

import type { Policy } from "../../../api/types";
import { PageTitle, TableFrame } from "../../../ui/Page";
import { State } from "../../../ui/State";
import { Ago } from "../../../ui/Values";
import { List } from "../../../ui/List";
import classes from "../Governance.module.css";
import { policiesQuery } from "./queries";
import { KINDS, STATES } from "./search";

export const route = createLazyRoute("/governance/policies")({ component: PoliciesPage });

function PoliciesPage() {
  const filters = route.useSearch();
  const query = useInfiniteQuery(policiesQuery(filters));
  return (
    <>
      <PageTitle>Policies</PageTitle>
      <Filters />
      <List title="Policies" what="policies" query={query} empty="No such policy.">
        {(rows) => <Table rows={rows} />}
      </List>
    </>
  );
}

function Filters() {
  const { kind, state } = route.useSearch();
  const navigate = useNavigate({ from: "/governance/policies" });
  const set = (change: Record<string, string | undefined>) =>
    void navigate({ search: (before) => ({ ...before, ...change }) });
  return (
    <div className={classes["filters"]}>
      <Select
        aria-label="Kind"
        placeholder="Any kind"
        clearable
        w={160}
        value={kind ?? null}
        data={[...KINDS]}
        onChange={(value) => set({ kind: value ?? undefined })}
        comboboxProps={{ withinPortal: false }}
      />
      <Select
        aria-label="State"
        placeholder="Any state"
        clearable
        w={160}
        value={state ?? null}
        data={[...STATES]}
        onChange={(value) => set({ state: value ?? undefined })}
        comboboxProps={{ withinPortal: false }}
      />
      <Button
        component={Link}
        to="/governance/policies/new"
        search={(kind ? { kind } : {}) as never}
        className={classes["spring"]}
      >
        New draft
      </Button>
    </div>
  );
}

function Table({ rows }: { rows: Policy[] }) {
  return (
    <TableFrame label="Policies">
      <table>
        <thead>
          <tr>
            <th scope="col">Policy</th>
            <th scope="col">Kind</th>
            <th scope="col">State</th>
            <th scope="col">Below</th>
            <th scope="col">Owner</th>
            <th scope="col">Written by</th>
            <th scope="col">Approved by</th>
            <th scope="col">In force since</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((policy) => (
            <tr key={policy.id}>
              <td>
                <Link to="/governance/policies/$policyId" params={{ policyId: policy.id }}>
                  {policy.slug}@{policy.version}
                </Link>
              </td>
              <td>{policy.kind}</td>
              <td>
                <State value={policy.state} />
              </td>
              <td className="mono">{policy.prefix}</td>
              <td>{policy.owner || "–"}</td>
              <td>{policy.authors.join(", ") || policy.created_by}</td>
              <td>{policy.approved_by || "–"}</td>
              <td>
                <Ago at={policy.activated_at} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableFrame>
  );
}
