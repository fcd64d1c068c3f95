import { ActionIcon, CopyButton, Tooltip } from "@mantine/core";

import classes from "./Copy.module.css";
import { CheckIcon, CopyIcon } from "./icons";

export function Copy({ value, what }: { value: string; what: string }) {
  return (
    <CopyButton value={value} timeout={1600}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? "Copied" : `Copy ${what}`} withArrow>
          <ActionIcon
            variant="subtle"
            color="gray"
            size="sm"
            onClick={copy}
            aria-label={copied ? `Copied ${what}` : `Copy ${what}`}
          >
            {copied ? <CheckIcon /> : <CopyIcon />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  );
}

/** A digest, cut to what an eye compares; the whole of it is the title and what is copied. */
export function Digest({ value }: { value: string }) {
  if (!value) return <span>–</span>;
  const hex = value.replace(/^sha256:/, "");
  return (
    <span className={classes["inline"]}>
      <span className="mono" title={value}>
        {hex.slice(0, 10)}
      </span>
      <Copy value={value} what="digest" />
    </span>
  );
}

export function Name({ value }: { value: string }) {
  return (
    <span className={classes["inline"]}>
      <span className="mono">{value}</span>
      <Copy value={value} what="name" />
    </span>
  );
}

/** Lines to run, copied as a whole. */
export function Commands({ lines, label }: { lines: string[]; label: string }) {
  const text = lines.join("\n");
  return (
    <div className={classes["commands"]}>
      <section className={classes["scroll"]} aria-label={label} tabIndex={0}>
        <pre>{text}</pre>
      </section>
      <Copy value={text} what="commands" />
    </div>
  );
}
