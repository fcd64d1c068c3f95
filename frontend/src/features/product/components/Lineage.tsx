import { SegmentedControl, Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { lazy, Suspense } from "react";

import type { Graph, ProductDetail } from "../../../api/types";
import { plural } from "../../../ui/format";
import { LoadingRows } from "../../../ui/Loading";
import { Empty, Failure } from "../../../ui/Notice";
import classes from "../Product.module.css";
import { lineageQuery } from "../queries";
import { route } from "../route";
import type { LineageDirection, ProductSearch } from "../search";
import { LineageTable } from "./LineageTable";

const LineageGraph = lazy(() =>
  import("./LineageGraph").then((m) => ({ default: m.LineageGraph })),
);
const DEPTHS = ["1", "2", "3", "4", "5"];
const DEPTH = 2;

export function Lineage({ product }: { product: ProductDetail }) {
  const { direction = "both", depth = DEPTH } = route.useSearch();
  const lineage = useQuery(lineageQuery(product.name, direction, depth));
  return (
    <>
      <Controls graph={lineage.data} />
      {lineage.isPending && <LoadingRows rows={10} height={44} />}
      {lineage.isError && (
        <Failure error={lineage.error} retry={() => void lineage.refetch()} />
      )}
      {lineage.data && <Shown graph={lineage.data} />}
    </>
  );
}

function Controls({ graph }: { graph: Graph | undefined }) {
  const { direction = "both", depth = DEPTH, view = "graph" } = route.useSearch();
  const navigate = useNavigate({ from: "/p/$" });
  const change = (changed: ProductSearch) =>
    void navigate({ search: (before) => ({ ...before, ...changed }), replace: true });
  return (
    <div className={classes["controls"]}>
      <SegmentedControl
        aria-label="Show lineage as"
        value={view}
        onChange={(value) => change({ view: value as "graph" | "table" })}
        data={[
          { value: "graph", label: "Graph" },
          { value: "table", label: "Table" },
        ]}
      />
      <SegmentedControl
        aria-label="Direction"
        value={direction}
        onChange={(value) => change({ direction: value as LineageDirection })}
        data={[
          { value: "up", label: "Comes from" },
          { value: "both", label: "Both" },
          { value: "down", label: "Goes into" },
        ]}
      />
      <Select
        aria-label="Steps away"
        w={130}
        value={String(depth)}
        allowDeselect={false}
        data={DEPTHS.map((value) => ({ value, label: plural(Number(value), "step") }))}
        onChange={(value) => change({ depth: Number(value) })}
        comboboxProps={{ withinPortal: false }}
      />
      {graph && (
        <span className={classes["spring"]} role="status">
          {graph.truncated
            ? `${graph.nodes.length} of ${plural(graph.total, "thing")}, nearest first`
            : plural(graph.nodes.length, "thing")}
        </span>
      )}
    </div>
  );
}

function Shown({ graph }: { graph: Graph }) {
  const { view = "graph" } = route.useSearch();
  if (graph.nodes.length <= 1) {
    return (
      <Empty title="No lineage is recorded here">
        It appears when a version with inputs is published, or a pipeline runs.
      </Empty>
    );
  }
  if (view === "table") return <LineageTable graph={graph} />;
  return (
    <Suspense fallback={<div className={classes["canvas"]} role="status" aria-label="Loading" />}>
      <LineageGraph graph={graph} />
    </Suspense>
  );
}
