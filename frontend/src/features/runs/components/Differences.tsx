import { Fragment } from "react";

import type { RunDiff, RunDifference } from "../../../api/types";
import { Digest } from "../../../ui/Copy";
import { Figures } from "../../../ui/Figures";
import { count } from "../../../ui/format";
import { Heads, Panel, TableFrame } from "../../../ui/Page";
import page from "../../../ui/Page.module.css";
import { verdictOf } from "../diff";
import classes from "../Runs.module.css";

/** In what the second run differs from the first, in the order in which one thing causes another. */
export function Differences({ diff }: { diff: RunDiff }) {
  return (
    <>
      <p role="status" className={classes["verdict"]}>
        {verdictOf(diff)}
      </p>
      <Changes title="Document" rows={diff.document} none="The documents say the same." />
      <Changes
        title="Made with"
        rows={diff.made_with}
        none="Engine, operators, libraries and tokenizers were the same."
      />
      <Changes title="Inputs" rows={diff.inputs} none="Both read the same versions." />
      <Changes title="Rows and counts" rows={diff.counts} none="All counts are equal." />
      <Files files={diff.files} />
    </>
  );
}

interface ChangesProps {
  title: string;
  /** Null when it is not known of both runs. */
  rows: RunDifference[] | null;
  none: string;
}

function Changes({ title, rows, none }: ChangesProps) {
  const said = rows === null ? "It is not known of both runs." : none;
  return (
    <Panel title={title} flush>
      {rows?.length ? (
        <ChangeTable title={title} rows={rows} />
      ) : (
        <p className={page["pad"]}>{said}</p>
      )}
    </Panel>
  );
}

function ChangeTable({ title, rows }: { title: string; rows: RunDifference[] }) {
  return (
    <TableFrame label={title}>
      <table>
        <Heads texts={["Where", "First", "Second"]} numbers={[]} last="Change" />
        <tbody>
          {rows.map(({ where, before, after }, position) => (
            <tr key={position}>
              <td className={`mono ${classes["where"]}`}>
                <Where path={where} />
              </td>
              <td className={classes["side"]}>
                <Value value={before} />
              </td>
              <td className={classes["side"]}>
                <Value value={after} />
              </td>
              <td className="nums">{changeOf(before, after)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableFrame>
  );
}

/** A path that breaks between its parts where the line is short. */
function Where({ path }: { path: string }) {
  return path.split(/(?<=[._/])/).map((part, position) => (
    <Fragment key={position}>
      {part}
      <wbr />
    </Fragment>
  ));
}

const signed = new Intl.NumberFormat("en", { signDisplay: "exceptZero" });

function changeOf(before: unknown, after: unknown): string {
  if (before === null) return "new";
  if (after === null) return "gone";
  const numbers = typeof before === "number" && typeof after === "number";
  return numbers ? signed.format(after - before) : "changed";
}

const DIGEST = /^(sha256:)?[0-9a-f]{64}$/;

function Value({ value }: { value: unknown }) {
  if (value === null || value === undefined) return <span className="muted">–</span>;
  if (typeof value === "number") return <span className="nums">{count(value)}</span>;
  if (typeof value !== "string") return <span className="mono">{JSON.stringify(value)}</span>;
  return DIGEST.test(value) ? <Digest value={value} /> : <span className="mono">{value}</span>;
}

/** The files of both results, by path and sha256. */
function Files({ files }: { files: RunDiff["files"] }) {
  if (!files) {
    return (
      <Panel title="Files" flush>
        <p className={page["pad"]}>They are compared when both runs have a published result.</p>
      </Panel>
    );
  }
  const differing = files.changed + files.added + files.removed;
  const aside =
    differing > files.sample.length ? `the first ${files.sample.length} that differ` : undefined;
  return (
    <Panel title="Files" aside={aside} flush>
      <Figures
        figures={[
          ["Equal", count(files.equal)],
          ["Changed", count(files.changed)],
          ["Added", count(files.added)],
          ["Removed", count(files.removed)],
        ]}
      />
      {files.sample.length > 0 && <ChangeTable title="Files that differ" rows={files.sample} />}
    </Panel>
  );
}
