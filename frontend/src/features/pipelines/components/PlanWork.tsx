import { Link } from "@tanstack/react-router";
import type { PipelinePlan } from "../../../api/types";
import { Figures, type Figure } from "../../../ui/Figures";
import { bytes, count, duration, plural } from "../../../ui/format";
import { Panel, TableFrame } from "../../../ui/Page";
import { priceText } from "../../runs/told";
import classes from "../Pipelines.module.css";

/** How the input is cut, what is done already, and what the rest is likely to cost. */
export function PlanWork({ plan }: { plan: PipelinePlan }) {
  return (
    <Panel title="Work and cost" flush>
      <Figures figures={figures(plan)} />
      <p className={classes["skip"]}>
        <Basis plan={plan} />
      </p>
      {plan.read_by_one.map(({ path, bytes: size, reason }) => (
        <p key={path} className={classes["skip"]}>
          One worker alone reads <span className="mono">{path}</span>, {bytes(size)}: {reason}.
        </p>
      ))}
      <details className={classes["skip"]}>
        <summary>{shardsTold(plan)}</summary>
        <Shards plan={plan} />
      </details>
    </Panel>
  );
}

function figures({ estimate, shards }: PipelinePlan): Figure[] {
  const { bytes_to_do: left, shards_done: done, core_seconds: spent, output_bytes: made, money } = estimate;
  return [
    ["To work through", bytes(left)],
    ["Done by earlier runs", `${count(done)} of ${plural(shards, "shard")}`],
    ...(spent === null ? [] : [["One core would take", duration(spent)] as Figure]),
    ...(made === null ? [] : [["Result", `about ${bytes(made)}`] as Figure]),
    ...(money === null ? [] : [["Cost", `about ${priceText(money)}`] as Figure]),
  ];
}

function Basis({ plan }: { plan: PipelinePlan }) {
  const { like } = plan.estimate;
  if (like === null) return "No run of this pipeline is done yet by which time and cost could be told.";
  return (
    <>
      Told by{" "}
      <Link to="/runs/$runId" params={{ runId: like }}>
        the last run
      </Link>
      , for each byte that is left to do.
    </>
  );
}

function shardsTold({ shards, shard_list: told }: PipelinePlan): string {
  return told.length < shards ? `The first ${told.length} of ${plural(shards, "shard")}` : plural(told.length, "shard");
}

function Shards({ plan }: { plan: PipelinePlan }) {
  return (
    <TableFrame label="Shards">
      <table>
        <thead>
          <tr>
            <th scope="col">Shard</th>
            <th scope="col">Bytes</th>
            <th scope="col">Of</th>
            <th scope="col">Done before</th>
          </tr>
        </thead>
        <tbody>
          {plan.shard_list.map(({ index, bytes: size, files, pieces, done }) => (
            <tr key={index}>
              <td className="mono tight">{index}</td>
              <td className="tight">{bytes(size)}</td>
              <td className="mono">
                {pieces.map(({ path, start, end }) => (
                  <div key={`${path} ${start}`}>
                    {path} {start}–{end}
                  </div>
                ))}
                {files > pieces.length && <div>and {count(files - pieces.length)} more</div>}
              </td>
              <td>{done ? "yes, it is copied" : "no"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableFrame>
  );
}
