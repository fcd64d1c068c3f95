import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { createLazyRoute, Link, useNavigate } from "@tanstack/react-router";

import type { Policy } from "../../../api/types";
import { Asked } from "../../../ui/Asked";
import { Digest } from "../../../ui/Copy";
import { PageTitle } from "../../../ui/Page";
import { State, Tag } from "../../../ui/State";
import { Tabbed } from "../../../ui/Tabbed";
import classes from "../Governance.module.css";
import { Life } from "./components/Life";
import { SimulationTab } from "./components/SimulationTab";
import { TestsTab } from "./components/TestsTab";
import { TextTab } from "./components/TextTab";
import { VersionsTab } from "./components/VersionsTab";
import styles from "./Policies.module.css";
import { policyQuery } from "./queries";
import { type PolicyTab, TABS } from "./search";

export const route = createLazyRoute("/governance/policies/$policyId")({ component: PolicyPage });

const TITLES: Record<PolicyTab, string> = {
  text: "Text",
  tests: "Tests",
  simulation: "Simulation",
  versions: "Versions",
};

function PolicyPage() {
  const { policyId } = route.useParams();
  const policy = useQuery(policyQuery(policyId));
  return (
    <>
      <PageTitle>{policy.data ? nameOf(policy.data) : "Policy"}</PageTitle>
      <p className={classes["lead"]}>
        <Link to="/governance/policies">All policies</Link>
      </p>
      <Asked query={policy}>{(found) => <One policy={found} />}</Asked>
    </>
  );
}

const nameOf = (policy: Policy): string => `${policy.slug}@${policy.version}`;

function One({ policy }: { policy: Policy }) {
  const { tab = "text" } = route.useSearch();
  const navigate = useNavigate({ from: "/governance/policies/$policyId" });
  const show = (next: PolicyTab) => void navigate({ search: { tab: next } });
  return (
    <>
      <Strip policy={policy} />
      <Life policy={policy} />
      <Tabbed tabs={TABS} titles={TITLES} tab={tab} onTab={show}>
        {tab === "text" && <TextTab policy={policy} />}
        {tab === "tests" && <TestsTab policy={policy} />}
        {tab === "simulation" && <SimulationTab policy={policy} />}
        {tab === "versions" && <VersionsTab policy={policy} />}
      </Tabbed>
    </>
  );
}

function Strip({ policy }: { policy: Policy }) {
  return (
    <div className={styles["strip"]}>
      <h2>{nameOf(policy)}</h2>
      <State value={policy.state} />
      <Tag>{policy.kind}</Tag>
      <span className={classes["quiet"]}>
        below <span className="mono">{policy.prefix}</span>
        {policy.labels.length > 0 && ` where ${policy.labels.join(" and ")}`}
      </span>
      <span className={classes["quiet"]}>
        written by {policy.authors.join(", ") || policy.created_by}
        {policy.approved_by && `, approved by ${policy.approved_by}`}
      </span>
      <Digest value={policy.digest} />
      <Button
        component={Link}
        to="/governance/policies/new"
        search={(() => ({ kind: policy.kind, from: policy.id })) as never}
        variant="default"
        size="xs"
        className={styles["spring"]}
      >
        Draft the next version
      </Button>
    </div>
  );
}
