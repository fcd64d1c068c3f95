import { SegmentedControl } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";

import type { LabelInForce, ProductDetail } from "../../../api/types";
import { plural } from "../../../ui/format";
import { LoadingRows } from "../../../ui/Loading";
import { More } from "../../../ui/More";
import { Empty, Failure } from "../../../ui/Notice";
import { Panel, TableFrame } from "../../../ui/Page";
import { Tag } from "../../../ui/State";
import { Ago } from "../../../ui/Values";
import { labelsQuery } from "../labelQueries";
import classes from "../Product.module.css";
import { route } from "../route";
import { Declassifications, DeclassifyButton } from "./Declassify";
import { Evidence } from "./Evidence";
import { Scans } from "./Scans";

/** What the product and its columns are labelled, why, and what the scans of its rows found. */
export function Labels({ product }: { product: ProductDetail }) {
  const { part = "labels" } = route.useSearch();
  const navigate = useNavigate({ from: "/p/$" });
  const setPart = (next: string) =>
    void navigate({ search: { tab: "labels", part: next === "scans" ? "scans" : undefined } });
  return (
    <>
      <div className={classes["controls"]}>
        <SegmentedControl
          aria-label="Labels or scans"
          value={part}
          onChange={setPart}
          data={[
            { value: "labels", label: "In force" },
            { value: "scans", label: "Scans" },
          ]}
        />
      </div>
      {part === "scans" ? <Scans product={product} /> : <InForce product={product} />}
    </>
  );
}

function InForce({ product }: { product: ProductDetail }) {
  const labels = useInfiniteQuery(labelsQuery(product.name));
  if (labels.isPending) return <LoadingRows rows={4} height={34} />;
  if (labels.isError) return <Failure error={labels.error} retry={() => void labels.refetch()} />;
  const rows = labels.data.pages.flatMap((page) => page.results);
  return (
    <div className={classes["stack"]}>
      {rows.length === 0 && (
        <Empty title="Nothing is labelled">
          Labels come from its owners, from scans, from its contract, and from what it was made of.
        </Empty>
      )}
      {rows.length > 0 && (
        <Panel title="Labels in force" aside={plural(rows.length, "label")} flush>
          <Table rows={rows} product={product} />
          <More query={labels} what="labels" />
        </Panel>
      )}
      <Declassifications product={product} />
    </div>
  );
}

function Table({ rows, product }: { rows: LabelInForce[]; product: ProductDetail }) {
  const decides = product.can.administer.allow;
  return (
    <TableFrame label="Labels">
      <table>
        <thead>
          <tr>
            <th scope="col">Label</th>
            <th scope="col">Column</th>
            <th scope="col">Origin</th>
            <th scope="col">Why</th>
            <th scope="col">Since</th>
            {decides && <th scope="col">Do</th>}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.id}>
              <td>
                <Tag>{row.label}</Tag>
              </td>
              <td className="mono">{row.column || "–"}</td>
              <td>{row.origin}</td>
              <td>
                <Evidence label={row} />
              </td>
              <td>
                <Ago at={row.created_at} />
              </td>
              {decides && (
                <td>{row.origin === "inherited" && <DeclassifyButton row={row} />}</td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </TableFrame>
  );
}
