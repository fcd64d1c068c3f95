import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import type { Plan } from "../../../api/types";
import { bytes } from "../../../ui/format";
import { LoadingRows } from "../../../ui/Loading";
import { Failure, Policies } from "../../../ui/Notice";
import { Panel, TableFrame } from "../../../ui/Page";
import { State } from "../../../ui/State";
import { Bytes } from "../../../ui/Values";
import classes from "../Product.module.css";
import { planQuery } from "../queries";
import { versionOf } from "./Replicas";

/** What the policies ask for beside what is: for those who administer the product. */
export function PlanPanel({ name }: { name: string }) {
  const plan = useQuery(planQuery(name));
  if (plan.isPending) return <LoadingRows rows={3} height={34} />;
  if (plan.isError) return <Failure error={plan.error} retry={() => void plan.refetch()} />;
  return <Items plan={plan.data} name={name} />;
}

function Items({ plan, name }: { plan: Plan; name: string }) {
  const still = plan.bytes > 0 ? `${bytes(plan.bytes)} still to move` : "Nothing is to be moved";
  const aside = (
    <>
      {still} ·{" "}
      <Link to="/mesh/plan" search={{ name }}>
        What would move, and at which price
      </Link>
    </>
  );
  return (
    <Panel title="What the policies ask for" aside={aside} flush>
      {plan.items.length > 0 && (
        <TableFrame label="Plan">
          <table>
            <thead>
              <tr>
                <th scope="col">Version</th>
                <th scope="col">Action</th>
                <th scope="col">From</th>
                <th scope="col">To</th>
                <th scope="col" className="num">
                  Bytes
                </th>
                <th scope="col">Policies</th>
              </tr>
            </thead>
            <tbody>
              {plan.items.map((item) => (
                <tr key={`${item.version} ${item.action} ${item.target}`}>
                  <td className="nums">{versionOf(item.version)}</td>
                  <td>
                    <State value={item.action} />
                    {item.reason && <div className={classes["reason"]}>{item.reason}</div>}
                  </td>
                  <td className="tight">{item.source || "–"}</td>
                  <td className="tight">{item.target}</td>
                  <td className="num">
                    <Bytes value={item.bytes} />
                  </td>
                  <td>
                    <Policies ids={item.policies} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </TableFrame>
      )}
      {plan.items.length === 0 && <p className={classes["pad"]}>No policy asks for a copy.</p>}
      {plan.unmet.map((one) => (
        <p key={one.version + one.reason} className={classes["pad"]}>
          <State value="refused" /> {one.version}: {one.reason}
        </p>
      ))}
    </Panel>
  );
}
