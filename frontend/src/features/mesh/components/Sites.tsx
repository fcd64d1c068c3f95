import { Button, UnstyledButton } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";

import type { Site } from "../../../api/types";
import { bytes, count, plural } from "../../../ui/format";
import { ChevronIcon } from "../../../ui/icons";
import { Heads, TableFrame } from "../../../ui/Page";
import { State } from "../../../ui/State";
import { Ago } from "../../../ui/Values";
import { List } from "../../../ui/List";
import classes from "../Mesh.module.css";
import { sitesQuery, storesQuery } from "../queries";
import { route } from "../route";
import { contactText } from "../told";
import { SiteDetails } from "./SiteDetails";

const COLUMNS = ["Site", "State", "Contact", "Jurisdictions", "Last seen"];
const NUMBERS = ["Stores", "Replicas"];

export function Sites({ operator }: { operator: boolean }) {
  const sites = useInfiniteQuery(sitesQuery);
  return (
    <List title="Sites" what="sites" query={sites} empty="No site yet.">
      {(rows) => (
        <TableFrame label="Sites">
          <table>
            <Heads texts={COLUMNS} numbers={NUMBERS} last={operator && "Change"} />
            <tbody>
              {rows.map((site) => (
                <SiteRow key={site.id} site={site} operator={operator} />
              ))}
            </tbody>
          </table>
        </TableFrame>
      )}
    </List>
  );
}

function SiteRow({ site, operator }: { site: Site; operator: boolean }) {
  const { site: chosen } = route.useSearch();
  const open = chosen === site.name;
  return (
    <>
      <tr>
        <td>
          <Opener site={site} open={open} />
          <div className={classes["reason"]}>
            {site.title !== site.name && `${site.title}, `}
            {site.kind}
          </div>
        </td>
        <td>
          <State value={site.state} /> <span className={classes["since"]}>
            <Ago at={site.state_since} />
          </span>
          {site.state_reason && <div className={classes["reason"]}>{site.state_reason}</div>}
          {site.expected_back && (
            <div className={classes["reason"]}>
              expected back <Ago at={site.expected_back} />
            </div>
          )}
        </td>
        <td>
          <Contact site={site} />
        </td>
        <td>{site.jurisdictions.join(", ") || "–"}</td>
        <td>
          <Ago at={site.last_seen} />
        </td>
        <td className="num">{count(site.stores)}</td>
        <td className="num">
          <Replicas site={site.name} />
        </td>
        {operator && (
          <td>
            <ChangeButton site={site.name} />
          </td>
        )}
      </tr>
      {open && (
        <tr>
          <td colSpan={operator ? 8 : 7} className={classes["nested"]}>
            <SiteDetails name={site.name} />
          </td>
        </tr>
      )}
    </>
  );
}

function Opener({ site, open }: { site: Site; open: boolean }) {
  const navigate = useNavigate({ from: "/mesh" });
  const toggle = () =>
    void navigate({
      search: (before) => ({ ...before, site: open ? undefined : site.name }),
      resetScroll: false,
    });
  return (
    <UnstyledButton
      className={classes["expander"]}
      aria-expanded={open}
      aria-label={`Details of ${site.name}`}
      onClick={toggle}
    >
      <span className={classes["chevron"]} data-open={open || undefined}>
        <ChevronIcon />
      </span>
      {site.name}
    </UnstyledButton>
  );
}

function Contact({ site }: { site: Site }) {
  const { open, next, until, bytes_per_second: pace } = site.contact;
  return (
    <span title={contactText(site)}>
      {open ? "open" : "closed"}
      {open && until && (
        <>
          , closes <Ago at={until} />
        </>
      )}
      {!open && next && (
        <>
          , opens <Ago at={next} />
        </>
      )}
      {open && pace !== null && <div className={classes["reason"]}>{bytes(pace)}/s at most</div>}
    </span>
  );
}

/** Complete replicas in the site's stores, of those one may know of; the stores are asked anyway. */
function Replicas({ site }: { site: string }) {
  const stores = useInfiniteQuery(storesQuery);
  if (!stores.data || stores.hasNextPage) return <>–</>;
  const there = stores.data.pages.flatMap((page) => page.results).filter((one) => one.site === site);
  const replicas = there.reduce((sum, store) => sum + store.replicas, 0);
  return <span title={plural(replicas, "complete replica")}>{count(replicas)}</span>;
}

function ChangeButton({ site }: { site: string }) {
  const navigate = useNavigate({ from: "/mesh" });
  const open = () =>
    void navigate({ search: (before) => ({ ...before, change: site }), resetScroll: false });
  return (
    <Button size="compact-sm" variant="default" aria-label={`Change state of ${site}`} onClick={open}>
      Change state…
    </Button>
  );
}
