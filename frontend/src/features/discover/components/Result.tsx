import type { Hit } from "../../../api/types";
import { plural } from "../../../ui/format";
import { Marked } from "../../../ui/Marked";
import { ProductLink } from "../../../ui/ProductLink";
import { Tag } from "../../../ui/State";
import { Ago, Bytes } from "../../../ui/Values";
import classes from "../Discover.module.css";

export function Result({ hit }: { hit: Hit }) {
  const { product, highlights, matched } = hit;
  return (
    <li className={classes["result"]}>
      <h2>
        <ProductLink name={product.name}>
          <Marked html={highlights.title} />
        </ProductLink>
      </h2>
      <p className={classes["name"]}>{product.name}</p>
      {highlights.description && (
        <p className={classes["description"]}>
          <Marked html={highlights.description} />
        </p>
      )}
      <Facts hit={hit} />
      {matched.length > 0 && (
        <p className={classes["why"]}>
          Matches {matched.map((word) => `“${word}”`).join(", ")}
        </p>
      )}
    </li>
  );
}

function Facts({ hit }: { hit: Hit }) {
  const { product } = hit;
  const latest = product.latest;
  const labels = [...new Set(product.labels.map((label) => label.label))];
  return (
    <ul className={classes["facts"]} aria-label="Facts">
      <li>{product.team}</li>
      {latest ? (
        <>
          <li>v={latest.number}</li>
          <li>
            <Bytes value={latest.bytes} />
          </li>
          {latest.rows !== null && (
            <li>{plural(latest.rows, "row")}</li>
          )}
          <li>
            <Ago at={latest.published_at} />
          </li>
        </>
      ) : (
        <li>no version yet</li>
      )}
      {product.license && <li>{product.license}</li>}
      <li>{product.access === "open" ? "open to members" : "on request"}</li>
      {labels.map((label) => (
        <li key={label}>
          <Tag strong>{label}</Tag>
        </li>
      ))}
    </ul>
  );
}
