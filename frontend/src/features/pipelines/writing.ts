import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import type { Pipeline } from "../../api/types";
import { useKept } from "../../ui/kept";
import { useUnsaved } from "../../ui/unsaved";
import type { Answer } from "./answer";
import type { Beginning } from "./draft";
import { useAskDraft, useRunNow, useSave, type Verb } from "./queries";
import type { StatedPurpose } from "./search";

const LEAVE =
  "What you wrote is not saved. This window keeps it until you close it. Leave the page?";

/** A document while it is written: kept by the browser, asked about, and saved. */
export function useWriting(beginning: Beginning, purpose: StatedPurpose | "") {
  const text = useKept(beginning.key, beginning.text);
  const name = useKept(`${beginning.key} name`, beginning.name);
  const [answer, setAnswer] = useState<Answer>({ text: text.value });
  const draft = useAskDraft();
  const saving = useSave();
  const running = useRunNow();
  const navigate = useNavigate({ from: "/pipelines/new" });
  const unsaved = text.changed || name.changed;
  useUnsaved(unsaved, LEAVE);

  const ask = (verb: Verb, rows: number) => {
    const asked = { verb, text: text.value, purpose, rows };
    draft.mutate(asked, {
      onSettled: (told, error) => setAnswer({ text: asked.text, told, error }),
    });
  };
  const start = (saved: Pipeline) =>
    running.mutate(
      { id: saved.id, purpose },
      {
        onSuccess: ({ id }) =>
          void navigate({ to: "/runs/$runId", params: { runId: id }, ignoreBlocker: true }),
        onError: (error) => setAnswer({ text: text.value, error, saved }),
      },
    );
  const open = ({ id }: Pipeline) =>
    void navigate({
      to: "/pipelines/$pipelineId",
      params: { pipelineId: id },
      ignoreBlocker: true,
    });
  const save = (thenRun: boolean) =>
    saving.mutate(
      { name: name.value.trim(), text: text.value, purpose },
      {
        onSuccess: (saved) => {
          text.settle();
          name.settle();
          if (thenRun) start(saved);
          else open(saved);
        },
        onError: (error) => setAnswer({ text: text.value, error }),
      },
    );
  const reset = () => {
    text.reset();
    name.reset();
  };
  const looking = draft.isPending ? draft.variables.verb : undefined;
  const busy = saving.isPending || running.isPending ? "save" : looking;
  return { text, name, answer, unsaved, busy, ask, save, reset } as const;
}
