import type { ProductDetail } from "../../../api/types";
import { plural } from "../../../ui/format";
import { Panel, TableFrame } from "../../../ui/Page";
import { Tag } from "../../../ui/State";
import classes from "../Product.module.css";

export function SchemaTable({ product }: { product: ProductDetail }) {
  const columns = product.latest?.schema ?? [];
  if (columns.length === 0) {
    return (
      <Panel title="Schema">
        <p className={classes["quiet"]}>
          {product.latest ? "Its files are not one table." : "Known once a version is published."}
        </p>
      </Panel>
    );
  }
  return (
    <Panel title="Schema" aside={plural(columns.length, "column")} flush>
      <TableFrame label="Columns">
        <table>
          <thead>
            <tr>
              <th scope="col">Column</th>
              <th scope="col">Type</th>
              <th scope="col">May be empty</th>
              <th scope="col">Labels</th>
            </tr>
          </thead>
          <tbody>
            {columns.map((column) => (
              <tr key={column.name}>
                <th scope="row" className={classes["cellhead"]}>
                  <span className="mono">{column.name}</span>
                </th>
                <td className="mono">{column.type}</td>
                <td>{column.nullable ? "yes" : "no"}</td>
                <td className={classes["tags"]}>
                  {labelsOf(product, column.name).map((label) => (
                    <Tag key={label} strong>
                      {label}
                    </Tag>
                  ))}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableFrame>
    </Panel>
  );
}

function labelsOf(product: ProductDetail, column: string): string[] {
  return product.labels.filter((label) => label.column === column).map((label) => label.label);
}
