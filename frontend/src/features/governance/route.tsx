import { createLazyRoute, Link, Outlet } from "@tanstack/react-router";

import { Areas } from "../../ui/Areas";
import { PageTitle } from "../../ui/Page";

export const route = createLazyRoute("/governance")({ component: GovernancePage });

const AREAS = [
  { to: "/governance/requests", title: "Requests" },
  { to: "/governance/policies", title: "Policies" },
  { to: "/governance/who", title: "Who and why" },
  { to: "/governance/audit", title: "Audit" },
] as const;

/** The frame of the console; each area is a page with an address and a chunk of its own. */
function GovernancePage() {
  const links = AREAS.map(({ to, title }) => (
    <Link key={to} to={to} activeOptions={{ includeSearch: false }}>
      {title}
    </Link>
  ));
  return (
    <>
      <PageTitle>Governance</PageTitle>
      <Areas name="Governance" links={links}>
        <Outlet />
      </Areas>
    </>
  );
}
