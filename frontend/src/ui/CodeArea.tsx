import { useId } from "react";

import classes from "./CodeArea.module.css";
import { LINE_PX, PAD_PX } from "./lines";

interface CodeProps {
  label: string;
  value: string;
}

const NONE: ReadonlySet<number> = new Set();

function Gutter({ lines, wrong = NONE }: { lines: number; wrong?: ReadonlySet<number> }) {
  const numbers = Array.from({ length: lines }, (_, line) => line + 1);
  return (
    <pre className={classes["gutter"]} aria-hidden>
      {wrong.size === 0
        ? numbers.join("\n")
        : numbers.map((line) => (
            <span key={line} data-wrong={wrong.has(line) || undefined}>
              {line}
              {"\n"}
            </span>
          ))}
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
  onKeyDown?: (event: React.KeyboardEvent) => void;
  /** Lines in which something is wrong; they are marked. */
  wrong?: ReadonlySet<number>;
  /** The id of what tells of it. */
  toldBy?: string;
  ref?: React.Ref<HTMLTextAreaElement>;
}

/** A field for such text. It is as high as the text, and scrolls together with the numbers. */
export function CodeArea(props: CodeAreaProps) {
  const { label, description, value, minLines = 8, onChange, onKeyDown, ref } = props;
  const { wrong = NONE, toldBy } = props;
  const id = useId();
  const lines = Math.max(value.split("\n").length, minLines);
  const about = [description && `${id}-about`, toldBy].filter(Boolean).join(" ");
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
      <div className={classes["frame"]} data-code>
        <Gutter lines={lines} wrong={wrong} />
        <div className={classes["field"]}>
          {[...wrong].map((line) => (
            <div
              key={line}
              className={classes["wrong"]}
              style={{ top: PAD_PX + (line - 1) * LINE_PX }}
            />
          ))}
          <textarea
            id={id}
            ref={ref}
            aria-describedby={about || undefined}
            aria-invalid={wrong.size > 0 || undefined}
            className={classes["text"]}
            rows={lines}
            wrap="off"
            spellCheck={false}
            autoCapitalize="off"
            value={value}
            onKeyDown={onKeyDown}
            onChange={(event) => onChange(event.currentTarget.value)}
          />
        </div>
      </div>
    </div>
  );
}
