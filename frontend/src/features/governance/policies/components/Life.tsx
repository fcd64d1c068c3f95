import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { useMe } from "../../../../api/session";
import type { Policy, PolicyState } from "../../../../api/types";
import { decisionQuery } from "../../decisions/queries";
import classes from "../../Governance.module.css";
import { route } from "../page";
import styles from "../Policies.module.css";
import { Moves } from "./Moves";

const STEPS: PolicyState[] = [
  "draft", "validated", "simulated", "proposed", "approved", "active", "retired",
];

/** Where a version stands in its life, what was found of it, and what may be done with it now. */
export function Life({ policy }: { policy: Policy }) {
  const now = STEPS.indexOf(policy.state);
  return (
    <>
      <ol className={styles["life"]} aria-label="Life of this version">
        {STEPS.map((step, index) => (
          <li
            key={step}
            data-past={index < now || undefined}
            aria-current={index === now ? "step" : undefined}
          >
            {step}
          </li>
        ))}
      </ol>
      <div className={styles["moves"]}>
        <Warnings policy={policy} />
        <SecondPerson policy={policy} />
        <WhatMayBeDone policy={policy} />
      </div>
    </>
  );
}

function WhatMayBeDone({ policy }: { policy: Policy }) {
  const asked = { action: "administer", name: policy.prefix } as const;
  const may = useQuery(decisionQuery(asked));
  const { edit } = route.useSearch();
  if (!may.data || edit) return null; // what is being written is saved first
  if (may.data.allow) return <Moves policy={policy} />;
  return (
    <p className={classes["quiet"]}>
      You may read this policy. Who administers <span className="mono">{policy.prefix}</span> may
      change it: <Link to="/governance/who" search={asked}>see why you may not</Link>.
    </p>
  );
}

/** The rule of two persons, told to whom it stops before they are stopped. */
function SecondPerson({ policy }: { policy: Policy }) {
  const me = useMe()?.username ?? "";
  const needed = policy.next.includes("approve") && !policy.next.includes("enact");
  if (needed && policy.authors.includes(me)) {
    return (
      <div className={styles["note"]}>
        <strong>Someone else approves it</strong>
        <p>
          Nobody approves what they wrote, edited or proposed. You took part in this version
          (its authors: {policy.authors.join(", ")}), so another person who administers{" "}
          <span className="mono">{policy.prefix}</span> must approve it. Send them the address of
          this page.
        </p>
      </div>
    );
  }
  if (policy.state !== "active" || !policy.retirement_asked_by) return null;
  const mine = policy.retirement_asked_by === me;
  return (
    <div className={styles["note"]}>
      <strong>{policy.retirement_asked_by} wants it out of force</strong>
      <p>
        {mine
          ? "You asked; another person who administers its scope must agree."
          : "Retiring it is your agreement; it takes effect at once."}
      </p>
    </div>
  );
}

function Warnings({ policy }: { policy: Policy }) {
  if (policy.warnings.length === 0) return null;
  return (
    <div className={styles["note"]}>
      <strong>What was noticed, and does not stand in the way</strong>
      <ul className={styles["warnings"]}>
        {policy.warnings.map((one) => (
          <li key={one.where + one.message}>
            {one.where && <span className="mono">{one.where}: </span>}
            {one.message}
          </li>
        ))}
      </ul>
    </div>
  );
}
