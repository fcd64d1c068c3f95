import { useId } from "react";

import classes from "./CodeArea.module.css";

interface CodeProps {
  label: string;
  value: string;
}

function Gutter({ lines }: { lines: number }) {
  const numbers = Array.from({ length: lines }, (_, line) => line + 1).join("\n");
  return (
    <pre className={classes["gutter"]} aria-hidden>
      {numbers}
    </pre>
  );
}

/** Text with the numbers of its lines, as errors name them. */
export function Code({ label, value }: CodeProps) {
  return (
    <section className={classes["frame"]} aria-label={label} tabIndex={0}>
      <Gutter lines={value.replace(/\n$/, "").split("\n").length} />
      <pre className={classes["text"]}>{value}</pre>
    </section>
  );
}

interface CodeAreaProps extends CodeProps {
  description?: string;
  minLines?: number;
  onChange: (value: string) => void;
}

/** A field for such text; it is as high as the text, so that lines and numbers stay together. */
export function CodeArea({ label, description, value, minLines = 8, onChange }: CodeAreaProps) {
  const id = useId();
  const lines = Math.max(value.split("\n").length, minLines);
  return (
    <div>
      <label htmlFor={id} className={classes["label"]}>
        {label}
      </label>
      {description && (
        <p id={`${id}-about`} className={classes["about"]}>
          {description}
        </p>
      )}
      <div className={classes["frame"]}>
        <Gutter lines={lines} />
        <textarea
          id={id}
          aria-describedby={description && `${id}-about`}
          className={classes["text"]}
          rows={lines}
          wrap="off"
          spellCheck={false}
          autoCapitalize="off"
          value={value}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      </div>
    </div>
  );
}
