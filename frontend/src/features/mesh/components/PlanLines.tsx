import { Button } from "@mantine/core";
import { useState } from "react";

import type { PlanItem } from "../../../api/types";
import { duration, plural } from "../../../ui/format";
import { Policies } from "../../../ui/Notice";
import { TableFrame } from "../../../ui/Page";
import { ProductLink } from "../../../ui/ProductLink";
import { State } from "../../../ui/State";
import { Bytes } from "../../../ui/Values";
import classes from "../Mesh.module.css";
import { money } from "../told";

const AT_ONCE = 200;

/** The lines of a plan, the first of them: a plan for the whole mesh may have thousands. */
export function PlanLines({ items }: { items: PlanItem[] }) {
  const [most, setMost] = useState(AT_ONCE);
  const left = items.length - most;
  return (
    <>
      <TableFrame label="Lines of the plan">
        <table>
          <thead>
            <tr>
              <th scope="col">Action</th>
              <th scope="col">Version</th>
              <th scope="col">From → to</th>
              <th scope="col" className="num">
                Bytes
              </th>
              <th scope="col" className="num">
                Takes
              </th>
              <th scope="col" className="num">
                Cost
              </th>
              <th scope="col">Policies</th>
            </tr>
          </thead>
          <tbody>
            {items.slice(0, most).map((item) => (
              <Line key={`${item.version} ${item.action} ${item.target}`} item={item} />
            ))}
          </tbody>
        </table>
      </TableFrame>
      {left > 0 && (
        <Button variant="default" m={14} onClick={() => setMost(most + AT_ONCE)}>
          More lines: {plural(left, "is", "are")} left
        </Button>
      )}
    </>
  );
}

function Line({ item }: { item: PlanItem }) {
  return (
    <tr>
      <td className="tight">
        <State value={item.action} />
      </td>
      <td>
        <ProductLink name={item.version} tab="replicas" className="mono">
          {item.version}
        </ProductLink>
        {item.reason && <div className={classes["reason"]}>{item.reason}</div>}
      </td>
      <td className="tight">{wayOf(item)}</td>
      <td className="num">
        <Bytes value={item.bytes} />
      </td>
      <td className="num">{item.seconds === null ? "–" : duration(item.seconds)}</td>
      <td className="num">
        {item.cost === null ? "–" : money(item.cost)}
        {!!item.cost_per_month && <div>{money(item.cost_per_month)} a month</div>}
      </td>
      <td>
        <Policies ids={item.policies} />
      </td>
    </tr>
  );
}

function wayOf({ action, source, hop, target }: PlanItem): string {
  if (action !== "copy") return target;
  return [source ?? "no way now", hop, target].filter(Boolean).join(" → ");
}
