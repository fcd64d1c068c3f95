import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import type { ProductDetail } from "../../../api/types";
import { Name } from "../../../ui/Copy";
import { compact, count, plural } from "../../../ui/format";
import { State, Tag } from "../../../ui/State";
import { Ago, Bytes } from "../../../ui/Values";
import classes from "../Product.module.css";
import { replicasQuery } from "../queries";

/** What one needs to know of a product before reading on. */
export function HeaderStrip({ product }: { product: ProductDetail }) {
  const labels = [...new Set(product.labels.map((label) => label.label))];
  return (
    <header className={classes["strip"]}>
      <p className={classes["crumbs"]}>
        <Link to="/" search={{ domain: product.domain.name }}>
          {product.domain.title || product.domain.name}
        </Link>
      </p>
      <h1>{product.title}</h1>
      <div className={classes["nameline"]}>
        <Name value={product.name} />
        <State value={product.lifecycle} />
        {labels.map((label) => (
          <Tag key={label} strong>
            {label}
          </Tag>
        ))}
      </div>
      <Facts product={product} />
    </header>
  );
}

function Facts({ product }: { product: ProductDetail }) {
  const latest = product.latest;
  return (
    <dl className={classes["facts"]}>
      <Fact term="Owner">{product.team}</Fact>
      <Fact term="Access">
        {product.can.read.allow
          ? "you may read"
          : product.access === "open"
            ? "open to members"
            : "on request"}
      </Fact>
      <Fact term="Licence">{product.license || "not stated"}</Fact>
      <Fact term="Latest">{latest ? `v=${latest.number}` : "no version yet"}</Fact>
      <Fact term="Published">
        <Ago at={latest?.published_at} />
      </Fact>
      <Fact term="Size">{latest ? <Bytes value={latest.bytes} /> : "–"}</Fact>
      <Fact term="Rows">
        {latest?.rows === null || latest?.rows === undefined ? (
          "–"
        ) : (
          <span title={`${count(latest.rows)} rows`}>{compact(latest.rows)}</span>
        )}
      </Fact>
      <Fact term="Copies">
        <Copies product={product} />
      </Fact>
    </dl>
  );
}

function Copies({ product }: { product: ProductDetail }) {
  const replicas = useQuery(replicasQuery(product.name));
  const latest = product.latest?.name;
  if (!latest || replicas.isError) return "–";
  if (replicas.isPending) return "…";
  const whole = replicas.data.results.filter(
    (replica) => replica.version === latest && replica.state === "complete",
  );
  const sites = new Set(whole.map((replica) => replica.site)).size;
  return whole.length === 0 ? "none" : `${whole.length} at ${plural(sites, "site")}`;
}

function Fact({ term, children }: { term: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{term}</dt>
      <dd>{children}</dd>
    </div>
  );
}
