import { Button, TextInput } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { useMe } from "../../../../api/session";
import type { Policy } from "../../../../api/types";
import { Confirm } from "../../../../ui/Confirm";
import { Refused } from "../../../../ui/Refused";
import classes from "../../Governance.module.css";
import { useApprove, useDeleteDraft, useMove } from "../queries";

/** The buttons of the moves that the version's state allows; simulating has a tab of its own. */
export function Moves({ policy }: { policy: Policy }) {
  const move = useMove(policy.id);
  const navigate = useNavigate({ from: "/governance/policies/$policyId" });
  const may = (...wanted: string[]) => wanted.some((one) => policy.next.includes(one));
  const simulate = () => void navigate({ search: { tab: "simulation" }, resetScroll: false });
  const busy = move.isPending;
  return (
    <>
      <Refused error={move.error} />
      {may("approve") && <Approve policy={policy} />}
      <div className={classes["row"]}>
        {may("validate") && (
          <Button
            variant={policy.state === "draft" ? "filled" : "default"}
            loading={busy}
            onClick={() => move.mutate("validate")}
          >
            Validate
          </Button>
        )}
        {may("simulate") && (
          <Button
            variant={policy.state === "validated" ? "filled" : "default"}
            disabled={busy}
            onClick={simulate}
          >
            Simulate
          </Button>
        )}
        {may("propose") && (
          <Button loading={busy} onClick={() => move.mutate("propose")}>
            Propose
          </Button>
        )}
        {may("activate", "enact") && (
          <Confirm
            label="Activate"
            question="Bring it into force now?"
            loading={busy}
            onConfirm={() => move.mutate("activate")}
          />
        )}
        {may("restore") && (
          <Confirm
            label="Roll back to this version"
            question="Bring this version back?"
            loading={busy}
            onConfirm={() => move.mutate("rollback")}
          />
        )}
        {may("retire") && (
          <Confirm
            label="Retire"
            question="Take it out of force?"
            loading={busy}
            onConfirm={() => move.mutate("retire")}
          />
        )}
        {may("delete") && <Delete policy={policy} />}
      </div>
    </>
  );
}

function Approve({ policy }: { policy: Policy }) {
  const me = useMe()?.username ?? "";
  const approve = useApprove(policy);
  const [comment, setComment] = useState("");
  if (policy.authors.includes(me)) return null; // where it takes another, a note says why
  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    approve.mutate(comment);
  };
  return (
    <form onSubmit={submit} aria-label="Approve">
      <Refused error={approve.error} />
      <div className={classes["row"]}>
        <TextInput
          label="Comment"
          description="It is kept in the audit log with the digest of the text that you read."
          maxLength={5000}
          w={460}
          maw="100%"
          value={comment}
          onChange={(event) => setComment(event.currentTarget.value)}
        />
        <Button type="submit" loading={approve.isPending}>
          Approve
        </Button>
      </div>
    </form>
  );
}

function Delete({ policy }: { policy: Policy }) {
  const remove = useDeleteDraft(policy.id);
  const navigate = useNavigate();
  return (
    <>
      <Confirm
        label="Delete the draft"
        question="Delete it for good?"
        loading={remove.isPending}
        onConfirm={() =>
          remove.mutate(undefined, {
            onSuccess: () => void navigate({ to: "/governance/policies" }),
          })
        }
      />
      <Refused error={remove.error} />
    </>
  );
}
