import { UnstyledButton } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Fragment } from "react";

import type { ProductDetail, Version } from "../../../api/types";
import { Digest } from "../../../ui/Copy";
import { count } from "../../../ui/format";
import { ChevronIcon } from "../../../ui/icons";
import { LoadingRows } from "../../../ui/Loading";
import { More } from "../../../ui/More";
import { Empty, Failure } from "../../../ui/Notice";
import { Panel, TableFrame } from "../../../ui/Page";
import { ProductLink } from "../../../ui/ProductLink";
import { State, Tag } from "../../../ui/State";
import { Ago, Bytes } from "../../../ui/Values";
import classes from "../Product.module.css";
import { versionsQuery } from "../queries";
import { route } from "../route";
import { Files } from "./Files";

const COLUMNS = 9;

export function Versions({ product }: { product: ProductDetail }) {
  const versions = useInfiniteQuery(versionsQuery(product.name));
  if (versions.isPending) return <LoadingRows rows={5} height={34} />;
  if (versions.isError) {
    return <Failure error={versions.error} retry={() => void versions.refetch()} />;
  }
  const rows = versions.data.pages.flatMap((page) => page.results);
  if (rows.length === 0) return <Empty title="No version is published yet" />;
  return (
    <Panel title="Versions" aside="A published version never changes" flush>
      <TableFrame label="Versions">
        <table>
          <thead>
            <tr>
              <th scope="col">Version</th>
              <th scope="col">State</th>
              <th scope="col" className="num">
                Files
              </th>
              <th scope="col" className="num">
                Bytes
              </th>
              <th scope="col" className="num">
                Rows
              </th>
              <th scope="col">Published</th>
              <th scope="col">By</th>
              <th scope="col">Digest</th>
              <th scope="col">Made from</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((version) => (
              <VersionRows key={version.id} version={version} />
            ))}
          </tbody>
        </table>
      </TableFrame>
      <More query={versions} what="versions" />
    </Panel>
  );
}

function VersionRows({ version }: { version: Version }) {
  const { version: chosen } = route.useSearch();
  const navigate = useNavigate({ from: "/p/$" });
  const open = chosen === version.number;
  const toggle = () =>
    void navigate({
      search: { tab: "versions", version: open ? undefined : version.number },
      resetScroll: false,
    });
  return (
    <Fragment>
      <tr>
        <td>
          <UnstyledButton
            onClick={toggle}
            aria-expanded={open}
            aria-label={`Files of v=${version.number}`}
            className={classes["expander"]}
          >
            <span className={classes["chevron"]} data-open={open || undefined}>
              <ChevronIcon />
            </span>
            <span className="nums">v={version.number}</span>
          </UnstyledButton>{" "}
          {version.aliases.map((alias) => (
            <Tag key={alias}>{alias}</Tag>
          ))}
        </td>
        <td>
          <State value={version.state} />
        </td>
        <td className="num">{count(version.files)}</td>
        <td className="num">
          <Bytes value={version.bytes} />
        </td>
        <td className="num">{count(version.rows)}</td>
        <td>
          <Ago at={version.published_at} />
        </td>
        <td>{version.created_by}</td>
        <td>
          <Digest value={version.digest} />
        </td>
        <td>
          <Inputs version={version} />
        </td>
      </tr>
      {open && (
        <tr>
          <td colSpan={COLUMNS} className={classes["nested"]}>
            {version.tombstone && (
              <p className={classes["hint"]}>
                Removed <Ago at={version.tombstone.at} />: {version.tombstone.reason}
              </p>
            )}
            <Files version={version} />
          </td>
        </tr>
      )}
    </Fragment>
  );
}

function Inputs({ version }: { version: Version }) {
  if (version.inputs.length === 0) return "–";
  return version.inputs.map(({ name, digest }) => (
    <div key={digest}>
      {name ? (
        <ProductLink name={name}>
          <span className="mono">{name}</span>
        </ProductLink>
      ) : (
        <em title={digest}>hidden from you</em>
      )}
    </div>
  ));
}
