import { useNavigate } from "@tanstack/react-router";
import { useId, useRef } from "react";

import { CodeArea } from "../../../ui/CodeArea";
import { Confirm } from "../../../ui/Confirm";
import { goToLine } from "../../../ui/lines";
import page from "../../../ui/Page.module.css";
import { inWords, problemsOf } from "../answer";
import type { Beginning } from "../draft";
import classes from "../Pipelines.module.css";
import { SAMPLED_FIRST } from "../search";
import { route } from "../write";
import { useWriting } from "../writing";
import { Acts, AND_RUN } from "./Acts";
import { NameField } from "./NameField";
import { PurposeSelect } from "./PurposeSelect";
import { Told } from "./Told";

/** The text of a document, and what the platform says of it, until it is saved. */
export function Writing({ beginning }: { beginning: Beginning }) {
  const { purpose = "" } = route.useSearch();
  const navigate = useNavigate({ from: "/pipelines/new" });
  const writing = useWriting(beginning, purpose);
  const { text, name, answer } = writing;
  const area = useRef<HTMLTextAreaElement>(null);
  const status = useId();
  const stale = answer.text !== text.value;
  const lines = stale ? [] : problemsOf(answer).flatMap(({ line }) => line ?? []);
  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    const { submitter } = event.nativeEvent as SubmitEvent;
    writing.save(submitter?.getAttribute("value") === AND_RUN);
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    writing.ask("check", SAMPLED_FIRST);
  };
  return (
    <div className={page["stack"]}>
      <form onSubmit={submit} className={classes["write"]} aria-label="Pipeline">
        <div className={page["ask"]}>
          <NameField name={name.value} onName={name.set} />
          <PurposeSelect
            purpose={purpose}
            onChoose={(next) =>
              void navigate({ search: (before) => ({ ...before, purpose: next }), replace: true })
            }
          />
        </div>
        <CodeArea
          ref={area}
          label="Document, in YAML"
          description="Ctrl + Enter checks it. Comments are not saved, nor is the layout."
          minLines={14}
          value={text.value}
          wrong={new Set(lines)}
          toldBy={status}
          onKeyDown={onKeyDown}
          onChange={text.set}
        />
        {writing.unsaved && <Unsaved loose={text.loose || name.loose} onReset={writing.reset} />}
        <Acts busy={writing.busy} onAsk={writing.ask} />
      </form>
      <p id={status} role="status" className={classes["summary"]}>
        {inWords(answer)}
        {stale && inWords(answer) && " That was before your last change."}
      </p>
      <Told
        answer={answer}
        stale={stale}
        onGo={(line) => area.current && goToLine(area.current, line)}
      />
    </div>
  );
}

/** That nothing is saved yet, whether a reload would lose it, and the way back. */
function Unsaved({ loose, onReset }: { loose: boolean; onReset: () => void }) {
  return (
    <div className={classes["unsaved"]}>
      <span>
        {loose
          ? "Not saved. This browser does not keep it: a reload loses it."
          : "Not saved. This window keeps it over a reload."}
      </span>
      <Confirm label="Begin again" question="Drop what you wrote?" size="xs" onConfirm={onReset} />
    </div>
  );
}
