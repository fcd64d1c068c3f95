import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";

import type { Scan, ScanDetail, ScanFinding, Verdicts } from "../../../api/types";
import { count, plural } from "../../../ui/format";
import { LoadingRows } from "../../../ui/Loading";
import { Failure } from "../../../ui/Notice";
import { Panel, TableFrame } from "../../../ui/Page";
import { Refused } from "../../../ui/Refused";
import { State, Tag } from "../../../ui/State";
import { scanQuery, useVerdict } from "../labelQueries";
import classes from "../Product.module.css";

interface ScanDetailsProps {
  scan: Scan;
  can: Verdicts;
}

export function ScanDetails({ scan, can }: ScanDetailsProps) {
  const found = useQuery(scanQuery(scan.id, scan.state));
  if (found.isPending) return <LoadingRows rows={6} height={34} />;
  if (found.isError) return <Failure error={found.error} retry={() => void found.refetch()} />;
  return (
    <Panel title={`Scan of v=${scan.version}`} aside={<State value={scan.state} />} flush>
      <Summary scan={found.data} />
      <Findings scan={found.data} can={can} />
    </Panel>
  );
}

function Summary({ scan }: { scan: ScanDetail }) {
  const { result } = scan;
  if (!result) {
    return (
      <p className={`${classes["pad"]} ${classes["quiet"]}`}>
        {scan.reason || `${count(scan.files_done)} of ${count(scan.files_total)} files are read.`}
      </p>
    );
  }
  const left = result.files.skipped_count + result.files.failed_count;
  return (
    <p className={`${classes["pad"]} ${classes["quiet"]}`}>
      {plural(scan.rows_done, "row")} of {plural(result.files.read, "file")}
      {result.complete ? ", all there is" : ", not all there is"}
      {left > 0 && `; ${plural(left, "file")} not read`}. {freeText(result.free_text)}
    </p>
  );
}

/** Names of people and the like in prose take a model, which not every installation has. */
function freeText({ state, hint }: { state: string; hint?: string }): string {
  return state === "done" ? "Prose was read by a model, too." : `Prose: ${hint || words(state)}`;
}

const words = (code: string): string => code.replaceAll("_", " ");

interface Found {
  column: string;
  finding: ScanFinding;
}

function Findings({ scan, can }: { scan: ScanDetail; can: Verdicts }) {
  const columns = scan.result?.columns ?? [];
  const rows: Found[] = columns.flatMap(({ column, findings }) =>
    findings.map((finding) => ({ column, finding })),
  );
  if (!scan.result) return null;
  if (rows.length === 0) {
    return <p className={classes["pad"]}>Nothing that a detector knows was found.</p>;
  }
  return (
    <TableFrame label="Findings">
      <table>
        <thead>
          <tr>
            <th scope="col">Column</th>
            <th scope="col">Label</th>
            <th scope="col">Found by</th>
            <th scope="col" className="num">
              Matches
            </th>
            <th scope="col" className="num">
              Share
            </th>
            <th scope="col">Labelled</th>
            <th scope="col">Verdict</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <FindingRow
              key={`${row.column} ${row.finding.detector}`}
              scan={scan}
              row={row}
              can={can}
            />
          ))}
        </tbody>
      </table>
    </TableFrame>
  );
}

interface FindingRowProps {
  scan: ScanDetail;
  row: Found;
  can: Verdicts;
}

function FindingRow({ scan, row, can }: FindingRowProps) {
  const { column, finding } = row;
  return (
    <tr>
      <td className="mono">{column || "text without columns"}</td>
      <td>
        <Tag>{finding.label}</Tag>
      </td>
      <td>{finding.detector}</td>
      <td className="num">
        {count(finding.matches)} of {count(finding.candidates)}
      </td>
      <td className="num" title={`95 % between ${percent(finding.low)} and ${percent(finding.high)}`}>
        {percent(finding.rate)}
      </td>
      <td>
        {finding.labelled ? "yes" : "no"}
        {finding.reason && <div className={classes["reason"]}>{finding.reason}</div>}
      </td>
      <td>
        <Verdict scan={scan} row={row} can={can} />
      </td>
    </tr>
  );
}

function Verdict({ scan, row, can }: FindingRowProps) {
  const give = useVerdict(scan.id);
  const { column, finding } = row;
  const said = scan.verdicts
    .filter((one) => one.column === column && one.label === finding.label)
    .toSorted((one, other) => one.created_at.localeCompare(other.created_at))
    .at(-1); // the last one counts
  const judge = (verdict: "confirm" | "reject") =>
    give.mutate({ column, label: finding.label, verdict, comment: "" });
  return (
    <>
      {said && (
        <div>
          {said.verdict === "confirm" ? "confirmed" : "rejected"} by {said.created_by}
        </div>
      )}
      {can.write.allow && (
        <div className={classes["tags"]}>
          {said?.verdict !== "confirm" && (
            <Button
              size="compact-xs"
              variant="default"
              loading={give.isPending}
              aria-label={`Confirm ${finding.label} in ${column}`}
              onClick={() => judge("confirm")}
            >
              Confirm
            </Button>
          )}
          {said?.verdict !== "reject" && can.administer.allow && (
            <Button
              size="compact-xs"
              variant="default"
              disabled={give.isPending}
              aria-label={`Reject ${finding.label} in ${column}`}
              onClick={() => judge("reject")}
            >
              Reject
            </Button>
          )}
        </div>
      )}
      {!said && !can.write.allow && "–"}
      <Refused error={give.error} />
    </>
  );
}

const percent = (share: number): string => `${(share * 100).toFixed(share > 0 && share < 0.1 ? 2 : 1)} %`;
