import { useNavigate } from "@tanstack/react-router";

import type { AccessRequest } from "../../../../api/types";
import { useNow } from "../../../../ui/clock";
import { plural } from "../../../../ui/format";
import { Policies } from "../../../../ui/Notice";
import { ProductLink } from "../../../../ui/ProductLink";
import { State, Tag } from "../../../../ui/State";
import { Ago } from "../../../../ui/Values";
import { Expander } from "../../components/Expander";
import classes from "../../Governance.module.css";
import { route } from "../route";
import { DecideForm } from "./DecideForm";
import { Thread } from "./Thread";
import { Withdraw } from "./Withdraw";

interface RequestListProps {
  rows: AccessRequest[];
  /** Whether the reader decides on them; otherwise they are the reader's own. */
  decide?: boolean;
}

export function RequestList({ rows, decide = false }: RequestListProps) {
  return (
    <ul className={classes["list"]}>
      {rows.map((request) => (
        <RequestItem key={request.id} request={request} decide={decide} />
      ))}
    </ul>
  );
}

function RequestItem({ request, decide }: { request: AccessRequest; decide: boolean }) {
  const { open: chosen } = route.useSearch();
  const navigate = useNavigate({ from: "/governance/requests" });
  const open = chosen === request.id;
  const toggle = () =>
    void navigate({
      search: (before) => ({ ...before, open: open ? undefined : request.id }),
      resetScroll: false,
    });
  const who = request.team ? `${request.username} for the team ${request.team}` : request.username;
  return (
    <li className={classes["item"]}>
      <div className={classes["line"]}>
        <div className={classes["text"]}>
          <Expander open={open} toggle={toggle}>
            <strong>{who}</strong> {request.renews ? "asks to renew" : "asks for"}{" "}
            {plural(request.days, "day")} of {request.purpose}
          </Expander>{" "}
          on{" "}
          <ProductLink name={request.name} tab="access">
            <span className="mono">{request.name}</span>
          </ProductLink>{" "}
          <Ago at={request.created_at} />
        </div>
        <Deadline request={request} />
        {request.state !== "pending" && <State value={request.state} />}
      </div>
      {request.reason && <p className={classes["says"]}>“{request.reason}”</p>}
      <Answered request={request} />
      {open && (
        <div className={classes["inside"]}>
          <Thread request={request.id} />
          {decide && request.state === "pending" && <DecideForm request={request} />}
          {!decide && request.state === "pending" && <Withdraw id={request.id} />}
        </div>
      )}
    </li>
  );
}

/** By when an answer is due, and to whom the question went on when there was none. */
function Deadline({ request }: { request: AccessRequest }) {
  const now = useNow();
  if (request.state !== "pending") return null;
  const overdue = request.due_at !== null && new Date(request.due_at).getTime() < now;
  return (
    <>
      {request.escalated_at && (
        <Tag strong>
          escalated{request.escalated_to.length > 0 && ` to ${request.escalated_to.join(", ")}`}
        </Tag>
      )}
      {request.due_at && (
        <span className={classes["quiet"]}>
          {overdue ? <State value="overdue" /> : "due"} <Ago at={request.due_at} />
        </span>
      )}
    </>
  );
}

function Answered({ request }: { request: AccessRequest }) {
  if (request.state === "pending" || !request.decided_at) return null;
  return (
    <p className={classes["says"]}>
      {request.state} by {request.decided_by || <Policies ids={request.policies} />}{" "}
      <Ago at={request.decided_at} />
      {request.comment && <>: “{request.comment}”</>}
    </p>
  );
}
