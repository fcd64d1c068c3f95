import { Button } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";

import type { Policy } from "../../../../api/types";
import { Code } from "../../../../ui/CodeArea";
import classes from "../../Governance.module.css";
import { route } from "../page";
import { useEditDraft } from "../queries";
import { DraftForm } from "./DraftForm";

export function TextTab({ policy }: { policy: Policy }) {
  const { edit } = route.useSearch();
  const navigate = useNavigate({ from: "/governance/policies/$policyId" });
  const save = useEditDraft(policy.id);
  const setEdit = (next?: "yes") =>
    void navigate({ search: (before) => ({ ...before, edit: next }), resetScroll: false });
  const editable = policy.next.includes("edit");
  if (!edit || !editable) {
    return (
      <div className={classes["stack"]}>
        <Code label={`Text of ${policy.slug}@${policy.version}`} value={policy.text} />
        {editable && (
          <div>
            <Button variant="default" onClick={() => setEdit("yes")}>
              Edit
            </Button>
          </div>
        )}
      </div>
    );
  }
  return (
    <DraftForm
      kind={policy.kind}
      text={policy.text}
      tests={policy.tests}
      saving={save}
      onSave={(text, tests) => save.mutate({ text, tests }, { onSuccess: () => setEdit() })}
    >
      <Button variant="default" onClick={() => setEdit()}>
        Leave it as it was
      </Button>
      <span className={classes["quiet"]}>
        What was validated, simulated or approved is so no more, and who saves cannot approve it.
      </span>
    </DraftForm>
  );
}
