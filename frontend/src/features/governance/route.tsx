import { createLazyRoute, Link, Outlet } from "@tanstack/react-router";

import { useMe } from "../../api/session";
import { SignInFirst } from "../../ui/Notice";
import { PageTitle } from "../../ui/Page";
import classes from "./Governance.module.css";

export const route = createLazyRoute("/governance")({ component: GovernancePage });

const AREAS = [
  { to: "/governance/requests", title: "Requests" },
  { to: "/governance/policies", title: "Policies" },
  { to: "/governance/who", title: "Who and why" },
  { to: "/governance/audit", title: "Audit" },
] as const;

/** The frame of the console; each area is a page with an address and a chunk of its own. */
function GovernancePage() {
  const me = useMe();
  return (
    <>
      <PageTitle>Governance</PageTitle>
      <h1 className={classes["title"]}>Governance</h1>
      {me?.authenticated === false && <SignInFirst />}
      {me?.authenticated && (
        <>
          <nav className={classes["areas"]} aria-label="Governance">
            {AREAS.map(({ to, title }) => (
              <Link key={to} to={to} activeOptions={{ includeSearch: false }}>
                {title}
              </Link>
            ))}
          </nav>
          <Outlet />
        </>
      )}
    </>
  );
}
