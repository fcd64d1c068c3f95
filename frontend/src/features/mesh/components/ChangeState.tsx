import { Button, Group, Modal, NativeSelect, Textarea, TextInput } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import type { Site, SiteState } from "../../../api/types";
import { Refused } from "../../../ui/Refused";
import classes from "../Mesh.module.css";
import { sitesQuery, useChangeSite } from "../queries";

/** What each state means; a new one in the API fails the build here. */
const STATES: Record<SiteState, string> = {
  online: "Its copies are read and count.",
  draining: "Nothing new is placed there; what lies there is copied elsewhere before it goes.",
  offline: "It is away and expected back; its copies count until its grace has passed.",
  lost: "Its copies do not count any more; what was there is made again elsewhere.",
};
const NAMES = Object.keys(STATES) as SiteState[];

/** The dialog in which an operator says in which state a site is, and why. */
export function ChangeState({ name }: { name: string }) {
  const navigate = useNavigate({ from: "/mesh" });
  const sites = useInfiniteQuery(sitesQuery);
  const site = sites.data?.pages.flatMap((page) => page.results).find((one) => one.name === name);
  const close = () =>
    void navigate({ search: (before) => ({ ...before, change: undefined }), resetScroll: false });
  return (
    <Modal
      opened={site !== undefined}
      onClose={close}
      title={`State of ${name}`}
      closeButtonProps={{ "aria-label": "Close" }}
      transitionProps={{ duration: 0 }}
    >
      {site && <StateForm site={site} close={close} />}
    </Modal>
  );
}

function StateForm({ site, close }: { site: Site; close: () => void }) {
  const change = useChangeSite(site.name);
  const [state, setState] = useState<SiteState>(site.state);
  const [reason, setReason] = useState("");
  const [back, setBack] = useState("");
  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    const expected = state === "offline" && back ? new Date(back).toISOString() : null;
    change.mutate({ state, reason, expected_back: expected }, { onSuccess: close });
  };
  return (
    <form onSubmit={submit} className={classes["form"]} aria-label={`Change state of ${site.name}`}>
      <Refused error={change.error} />
      <NativeSelect
        data-autofocus
        label="State"
        description={STATES[state]}
        data={NAMES}
        value={state}
        onChange={(event) => setState(event.currentTarget.value as SiteState)}
      />
      {state === "offline" && (
        <TextInput
          type="datetime-local"
          label="Expected back"
          description="In your own time; leave it empty when nobody knows."
          value={back}
          onChange={(event) => setBack(event.currentTarget.value)}
        />
      )}
      <Textarea
        label="Reason"
        description="Everyone who looks at the site reads it."
        required
        withAsterisk={false}
        autosize
        minRows={2}
        maxLength={500}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
      <Group justify="flex-end">
        <Button variant="default" onClick={close}>
          Cancel
        </Button>
        <Button type="submit" loading={change.isPending}>
          Change state
        </Button>
      </Group>
    </form>
  );
}
