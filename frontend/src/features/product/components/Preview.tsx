import { useQuery } from "@tanstack/react-query";

import type { Preview as PreviewData, ProductDetail } from "../../../api/types";
import { plural } from "../../../ui/format";
import { LoadingRows } from "../../../ui/Loading";
import { Empty, Failure } from "../../../ui/Notice";
import { Panel, TableFrame } from "../../../ui/Page";
import { ProductLink } from "../../../ui/ProductLink";
import classes from "../Product.module.css";
import { previewQuery } from "../queries";

export function Preview({ product }: { product: ProductDetail }) {
  if (!product.latest) return <Empty title="No version is published yet" />;
  return <Rows product={product} version={product.latest.id} />;
}

function Rows({ product, version }: { product: ProductDetail; version: string }) {
  const preview = useQuery(previewQuery(version));
  if (preview.isPending) return <LoadingRows rows={12} height={22} />;
  if (preview.isError) {
    const ask = (
      <ProductLink name={product.name} tab="access">
        Ask for access
      </ProductLink>
    );
    return (
      <Failure error={preview.error} retry={() => void preview.refetch()} whenDenied={ask} />
    );
  }
  const { columns, rows, truncated, file } = preview.data;
  if (columns.length === 0) return <Empty title="Nothing tabular to show" />;
  const first = `${truncated ? "The first " : ""}${plural(rows.length, "row")} of ${file}`;
  return (
    <Panel title="Preview" aside={first} flush>
      <TableFrame label="Rows">
        <table>
          <thead>
            <tr>
              {columns.map((column) => (
                <th key={column.name} scope="col">
                  {column.name}
                  <span className={classes["type"]}>{column.type}</span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, index) => (
              <tr key={index}>
                {columns.map((column) => (
                  <Cell key={column.name} value={row[column.name]} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </TableFrame>
    </Panel>
  );
}

function Cell({ value }: { value: PreviewData["rows"][number][string] }) {
  if (value === null || value === undefined) return <td className={classes["quiet"]}>null</td>;
  if (typeof value === "number") return <td className="num">{value}</td>;
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return (
    <td>
      <div className={classes["cell"]} title={text.length > 80 ? text.slice(0, 2000) : undefined}>
        {text}
      </div>
    </td>
  );
}
