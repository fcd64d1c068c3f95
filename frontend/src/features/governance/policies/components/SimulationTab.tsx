import { Button, Checkbox } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import type { Policy, Simulation } from "../../../../api/types";
import { LoadingRows } from "../../../../ui/Loading";
import { Empty, Failure } from "../../../../ui/Notice";
import { Panel } from "../../../../ui/Page";
import { Refused } from "../../../../ui/Refused";
import { State, Tag } from "../../../../ui/State";
import { Ago } from "../../../../ui/Values";
import classes from "../../Governance.module.css";
import { simulationQuery, useSimulate } from "../queries";
import { AccessResult, isAccess } from "./AccessResult";
import { DocumentResult } from "./DocumentResult";

/** What the version would change, found out before it is in force. */
export function SimulationTab({ policy }: { policy: Policy }) {
  const simulation = useQuery(simulationQuery(policy.id));
  return (
    <div className={classes["stack"]}>
      {policy.next.includes("simulate") && <Ask policy={policy} />}
      {simulation.isPending && <LoadingRows rows={6} height={28} />}
      {simulation.isError && (
        <Failure error={simulation.error} retry={() => void simulation.refetch()} />
      )}
      {simulation.data === null && (
        <Empty title="It was not simulated yet">
          {policy.state === "draft"
            ? "Validate it first; then its effect on everyone and everything can be found out."
            : "A simulation tells who would gain what and who would lose it."}
        </Empty>
      )}
      {simulation.data && <Result simulation={simulation.data} />}
    </div>
  );
}

function Ask({ policy }: { policy: Policy }) {
  const simulate = useSimulate(policy.id);
  const [strict, setStrict] = useState(false);
  return (
    <div className={classes["stack"]}>
      <Refused error={simulate.error} />
      <div className={classes["row"]} style={{ alignItems: "center" }}>
        <Button loading={simulate.isPending} onClick={() => simulate.mutate(strict)}>
          Simulate now
        </Button>
        {policy.kind === "access" && (
          <Checkbox
            label="It must let nobody do what they cannot do now"
            checked={strict}
            onChange={(event) => setStrict(event.currentTarget.checked)}
          />
        )}
      </div>
    </div>
  );
}

function Result({ simulation }: { simulation: Simulation }) {
  return (
    <>
      <Panel title="The newest simulation">
        <p className={classes["verdict"]}>
          <State value={simulation.passed ? "passed" : "failed"} />
          {simulation.no_new_access && <Tag>no new access wanted</Tag>}
          {simulation.stale && <Tag strong>out of date</Tag>}
          <span className={classes["quiet"]}>
            by {simulation.created_by} <Ago at={simulation.created_at} />
          </span>
        </p>
        {simulation.stale && (
          <p className={classes["lead"]}>
            The text or the policies in force have changed since; simulate it again.
          </p>
        )}
        {!simulation.passed && (
          <p className={classes["lead"]}>It would give access that nobody has now.</p>
        )}
      </Panel>
      {isAccess(simulation.result) ? (
        <AccessResult result={simulation.result} />
      ) : (
        <DocumentResult result={simulation.result} />
      )}
    </>
  );
}
