import { Button, Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";

import type { ProductDetail, Scan } from "../../../api/types";
import { LoadingRows } from "../../../ui/Loading";
import { Empty, Failure } from "../../../ui/Notice";
import { Refused } from "../../../ui/Refused";
import { scansQuery, useScan } from "../labelQueries";
import classes from "../Product.module.css";
import { route } from "../route";
import { ScanDetails } from "./ScanDetails";

export function Scans({ product }: { product: ProductDetail }) {
  const scans = useQuery(scansQuery(product.name));
  const { scan: chosen } = route.useSearch();
  if (scans.isPending) return <LoadingRows rows={6} height={34} />;
  if (scans.isError) return <Failure error={scans.error} retry={() => void scans.refetch()} />;
  const rows = scans.data.results;
  const shown = rows.find((scan) => scan.id === chosen) ?? rows[0];
  return (
    <div className={classes["stack"]}>
      <Bar product={product} rows={rows} shown={shown} />
      {!shown && (
        <Empty title="It was not scanned yet">
          Every published version is scanned row by row; no value leaves the scan.
        </Empty>
      )}
      {shown && <ScanDetails scan={shown} can={product.can} />}
    </div>
  );
}

interface BarProps {
  product: ProductDetail;
  rows: Scan[];
  shown: Scan | undefined;
}

function Bar({ product, rows, shown }: BarProps) {
  const again = useScan();
  const navigate = useNavigate({ from: "/p/$" });
  const choose = (scan: string | null) =>
    void navigate({ search: { tab: "labels", part: "scans", scan: scan ?? undefined } });
  const data = rows.map((scan) => ({
    value: scan.id,
    label: `v=${scan.version}, ${scan.state}, ${new Date(scan.created_at).toLocaleString("en")}`,
  }));
  return (
    <>
      <Refused error={again.error} />
      <div className={classes["controls"]} style={{ marginBottom: 0 }}>
        {shown && (
          <Select
            label="Scan"
            w={360}
            maw="100%"
            allowDeselect={false}
            data={data}
            value={shown.id}
            onChange={choose}
            comboboxProps={{ withinPortal: false }}
          />
        )}
        {product.latest && product.can.write.allow && (
          <Button
            variant="default"
            loading={again.isPending}
            onClick={() => again.mutate(product.name, { onSuccess: () => choose(null) })}
          >
            Scan the latest version again
          </Button>
        )}
      </div>
    </>
  );
}
