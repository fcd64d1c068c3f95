import { useNavigate } from "@tanstack/react-router";
import { lazy, Suspense } from "react";

import type { ProductDetail } from "../../../api/types";
import { LoadingRows } from "../../../ui/Loading";
import { Tabbed } from "../../../ui/Tabbed";
import { route } from "../route";
import { type ProductTab, TABS } from "../search";
import { Overview } from "./Overview";
import { Versions } from "./Versions";

// What only some visits need comes when its tab is opened; the lineage brings a graph library.
const Replicas = lazy(() => import("./Replicas").then((m) => ({ default: m.Replicas })));
const Preview = lazy(() => import("./Preview").then((m) => ({ default: m.Preview })));
const Lineage = lazy(() => import("./Lineage").then((m) => ({ default: m.Lineage })));
const Labels = lazy(() => import("./Labels").then((m) => ({ default: m.Labels })));
const Access = lazy(() => import("./Access").then((m) => ({ default: m.Access })));

const TITLES: Record<ProductTab, string> = {
  overview: "Overview",
  versions: "Versions",
  replicas: "Replicas",
  preview: "Preview",
  lineage: "Lineage",
  labels: "Labels",
  access: "Access",
};

export function ProductTabs({ product }: { product: ProductDetail }) {
  const { tab = "overview" } = route.useSearch();
  const navigate = useNavigate({ from: "/p/$" });
  return (
    <Tabbed
      tabs={TABS}
      titles={TITLES}
      tab={tab}
      mt={0}
      onTab={(next) => void navigate({ search: { tab: next } })}
    >
      <Suspense fallback={<LoadingRows rows={8} height={28} />}>
        <Content tab={tab} product={product} />
      </Suspense>
    </Tabbed>
  );
}

function Content({ tab, product }: { tab: ProductTab; product: ProductDetail }) {
  switch (tab) {
    case "versions":
      return <Versions product={product} />;
    case "replicas":
      return <Replicas product={product} />;
    case "preview":
      return <Preview product={product} />;
    case "lineage":
      return <Lineage product={product} />;
    case "labels":
      return <Labels product={product} />;
    case "access":
      return <Access product={product} />;
    default:
      return <Overview product={product} />;
  }
}
