import type { Policy } from "../../../../api/types";
import { Empty } from "../../../../ui/Notice";
import { Panel } from "../../../../ui/Page";
import { plural } from "../../../../ui/format";
import { Records } from "./Records";

/** The tests that a policy carries; a version whose tests fail never comes into force. */
export function TestsTab({ policy }: { policy: Policy }) {
  if (policy.tests.length === 0) {
    return (
      <Empty title="It carries no tests">
        Tests say who must be let in and who must not. They run whenever it is validated.
      </Empty>
    );
  }
  return (
    <Panel title="Tests" aside={`${plural(policy.tests.length, "test")}, run at validation`} flush>
      <Records label="Tests" rows={policy.tests} />
    </Panel>
  );
}
