import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import type { SiteDetail } from "../../../api/types";
import { count, duration, plural } from "../../../ui/format";
import { LoadingRows } from "../../../ui/Loading";
import { Failure } from "../../../ui/Notice";
import { ProductLink } from "../../../ui/ProductLink";
import { Bytes } from "../../../ui/Values";
import classes from "../Mesh.module.css";
import { siteQuery } from "../queries";
import { windowText } from "../told";

const HOUR = 3600;

/** What lies at a site, when it is in contact, and what does not leave it by itself. */
export function SiteDetails({ name }: { name: string }) {
  const site = useQuery(siteQuery(name));
  if (site.isPending) return <LoadingRows rows={3} height={20} />;
  if (site.isError) return <Failure error={site.error} retry={() => void site.refetch()} />;
  return (
    <>
      <Facts site={site.data} />
      <Blocked site={site.data} />
      <Link to="/mesh/plan" search={{ site: name }}>
        What would move here
      </Link>
    </>
  );
}

function Facts({ site }: { site: SiteDetail }) {
  const { holdings, windows } = site;
  return (
    <dl className={classes["detail"]}>
      <dt>Lies here</dt>
      <dd>
        {plural(holdings.replicas, "replica")}, <Bytes value={holdings.bytes} />
      </dd>
      {site.state === "draining" && (
        <>
          <dt>Left to move</dt>
          <dd>
            {plural(holdings.left_to_move, "replica")}, <Bytes value={holdings.bytes_left} />
          </dd>
        </>
      )}
      <dt>In contact</dt>
      <dd>
        {windows.length === 0 && "always"}
        {windows.map((window) => (
          <div key={windowText(window)}>{windowText(window)}</div>
        ))}
        {!site.contact.open && site.contact.reason && <div>{site.contact.reason}</div>}
      </dd>
      <dt>Grace</dt>
      <dd>its copies count for {duration(site.grace_hours * HOUR)} after it went off-line</dd>
    </dl>
  );
}

function Blocked({ site }: { site: SiteDetail }) {
  const { blocked } = site.holdings;
  if (blocked.length === 0) return null;
  return (
    <div className={classes["blocked"]}>
      <h3>What does not leave by itself</h3>
      <ul>
        {blocked.map((one) => (
          <li key={one.reason_code + one.reason}>
            {count(one.replicas)}: {one.reason} <code>{one.reason_code}</code>
            <div>
              {one.versions.map((version) => (
                <ProductLink key={version} name={version} tab="replicas" className="mono">
                  {version}
                </ProductLink>
              ))}
            </div>
          </li>
        ))}
      </ul>
    </div>
  );
}
