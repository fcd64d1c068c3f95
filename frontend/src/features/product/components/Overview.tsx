import type { ProductDetail } from "../../../api/types";
import { Commands } from "../../../ui/Copy";
import { lastPart } from "../../../ui/format";
import { Panel, TableFrame } from "../../../ui/Page";
import { ProductLink } from "../../../ui/ProductLink";
import { Tag } from "../../../ui/State";
import { Ago } from "../../../ui/Values";
import classes from "../Product.module.css";
import { MadeBy } from "./MadeBy";
import { SchemaTable } from "./SchemaTable";

export function Overview({ product }: { product: ProductDetail }) {
  return (
    <div className={classes["columns"]}>
      <div className={classes["stack"]}>
        <Panel title="Description">
          <Prose text={product.description} otherwise="The owner has not described it yet." />
        </Panel>
        <SchemaTable product={product} />
      </div>
      <div className={classes["stack"]}>
        <GetIt product={product} />
        <Panel title="Intended use">
          <Prose text={product.intended_use} otherwise="Not stated." />
        </Panel>
        <Ports product={product} />
        <About product={product} />
      </div>
    </div>
  );
}

function Prose({ text, otherwise }: { text: string | undefined; otherwise: string }) {
  const paragraphs = (text ?? "").split(/\n\s*\n/).filter((part) => part.trim());
  if (paragraphs.length === 0) return <p className={classes["quiet"]}>{otherwise}</p>;
  return (
    <div className={classes["prose"]}>
      {paragraphs.map((part, index) => (
        <p key={index}>{part}</p>
      ))}
    </div>
  );
}

function GetIt({ product }: { product: ProductDetail }) {
  const lines = [
    `fairmesh login ${window.location.origin}`,
    `fairmesh get ${product.name}`,
    `fairmesh verify ${lastPart(product.name)}`,
  ];
  return (
    <Panel title="Get it">
      {product.latest && <Commands lines={lines} label="Commands that fetch this product" />}
      {!product.latest && <p className={classes["quiet"]}>No version is published yet.</p>}
      {!product.can.read.allow && (
        <p className={classes["hint"]}>
          You may not read it yet.{" "}
          <ProductLink name={product.name} tab="access">
            See why, and ask for access
          </ProductLink>
        </p>
      )}
      <p className={classes["hint"]}>
        <a href={`/n${product.name}`}>Landing page</a> for people, programs and citations
      </p>
    </Panel>
  );
}

function Ports({ product }: { product: ProductDetail }) {
  if (product.ports.length === 0) return null;
  return (
    <Panel title="Ports" flush>
      <TableFrame label="Ports">
        <table>
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Direction</th>
              <th scope="col">Serves</th>
            </tr>
          </thead>
          <tbody>
            {product.ports.map((port) => (
              <tr key={port.name}>
                <td className="mono">{port.name}</td>
                <td>{port.direction}</td>
                <td>{[port.protocol, port.format].filter(Boolean).join(", ") || "–"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableFrame>
    </Panel>
  );
}

function About({ product }: { product: ProductDetail }) {
  return (
    <Panel title="About this entry">
      <dl className={classes["about"]}>
        <dt>Identifier</dt>
        <dd className="mono">{product.ark}</dd>
        {product.aliases.length > 0 && (
          <>
            <dt>Former names</dt>
            <dd className="mono">{product.aliases.join(", ")}</dd>
          </>
        )}
        {product.latest && <MadeBy version={product.latest} />}
        <dt>Visible to</dt>
        <dd>{product.visibility}</dd>
        <dt>Created</dt>
        <dd>
          <Ago at={product.created_at} />
        </dd>
        {product.keywords.length > 0 && (
          <>
            <dt>Keywords</dt>
            <dd className={classes["tags"]}>
              {product.keywords.map((word) => (
                <Tag key={word}>{word}</Tag>
              ))}
            </dd>
          </>
        )}
      </dl>
    </Panel>
  );
}
