import { useNavigate } from "@tanstack/react-router";
import { Fragment } from "react";

import type { AuditEntry } from "../../../../api/types";
import { count } from "../../../../ui/format";
import { Policies } from "../../../../ui/Notice";
import { TableFrame } from "../../../../ui/Page";
import { State } from "../../../../ui/State";
import { Ago } from "../../../../ui/Values";
import { Expander } from "../../components/Expander";
import classes from "../../Governance.module.css";
import { route } from "../route";
import { EntryDetails } from "./EntryDetails";

const COLUMNS = 6;

export function EntryTable({ rows }: { rows: AuditEntry[] }) {
  return (
    <TableFrame label="Entries">
      <table>
        <thead>
          <tr>
            <th scope="col">Place</th>
            <th scope="col">When</th>
            <th scope="col">Who</th>
            <th scope="col">Action</th>
            <th scope="col">On</th>
            <th scope="col">Decision</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((entry) => (
            <EntryRows key={entry.id} entry={entry} />
          ))}
        </tbody>
      </table>
    </TableFrame>
  );
}

const placeOf = ({ position }: AuditEntry): string =>
  position === null ? "soon" : count(position);

function EntryRows({ entry }: { entry: AuditEntry }) {
  const { entry: chosen } = route.useSearch();
  const navigate = useNavigate({ from: "/governance/audit" });
  const open = chosen === entry.id;
  const toggle = () =>
    void navigate({
      search: (before) => ({ ...before, entry: open ? undefined : entry.id }),
      resetScroll: false,
    });
  return (
    <Fragment>
      <tr>
        <td>
          <Expander open={open} toggle={toggle} label={`${placeOf(entry)}: ${entry.action}`}>
            {placeOf(entry)}
          </Expander>
        </td>
        <td>
          <Ago at={entry.at} />
        </td>
        <td>
          {entry.principal}
          {entry.on_behalf_of && <div className={classes["quiet"]}>for {entry.on_behalf_of}</div>}
        </td>
        <td>{entry.action}</td>
        <td className="mono">{entry.name}</td>
        <td>
          <State value={entry.allowed ? "allowed" : "denied"} />{" "}
          <Policies ids={entry.policies} />
        </td>
      </tr>
      {open && (
        <tr>
          <td colSpan={COLUMNS} className={classes["nested"]}>
            <EntryDetails entry={entry} />
          </td>
        </tr>
      )}
    </Fragment>
  );
}
