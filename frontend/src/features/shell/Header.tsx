import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useRouterState } from "@tanstack/react-router";

import { meQuery } from "../../api/session";
import { SearchBox } from "../discover/components/SearchBox";
import { SchemeToggle } from "./SchemeToggle";
import classes from "./Shell.module.css";
import { UserMenu } from "./UserMenu";

export function Header() {
  const path = useRouterState({ select: (state) => state.location.pathname });
  const ownSearch = path === "/" || path === "/sign-in"; // that page has a larger one, or none
  return (
    <header className={classes["header"]}>
      <div className={classes["inner"]}>
        <Link to="/" className={classes["brand"]} aria-label="Fairmesh">
          <img src={`${import.meta.env.BASE_URL}favicon.svg`} width={26} height={26} alt="" />
          <span>Fairmesh</span>
        </Link>
        <nav className={classes["nav"]} aria-label="Main">
          <Link to="/" activeOptions={{ exact: true, includeSearch: false }}>
            Discover
          </Link>
          <Link to="/pipelines" activeOptions={{ includeSearch: false }}>
            Pipelines
          </Link>
          <Link to="/jobs" activeOptions={{ includeSearch: false }}>
            Jobs
          </Link>
          <Link to="/mesh" activeOptions={{ includeSearch: false }}>
            Mesh
          </Link>
          <Link to="/governance" activeOptions={{ includeSearch: false }}>
            Governance
          </Link>
        </nav>
        {!ownSearch && (
          <div className={classes["search"]}>
            <SearchBox />
          </div>
        )}
        <div className={`${classes["end"]} ${ownSearch ? classes["nosearch"] : ""}`}>
          <SchemeToggle />
          <Account path={path} />
        </div>
      </div>
    </header>
  );
}

function Account({ path }: { path: string }) {
  const me = useQuery(meQuery);
  if (!me.data) return null;
  if (me.data.authenticated) return <UserMenu me={me.data} />;
  if (path === "/sign-in") return null;
  return (
    <Button component={Link} to="/sign-in" search={(() => ({ next: path })) as never} size="xs">
      Sign in
    </Button>
  );
}
