import { Outlet, useRouterState } from "@tanstack/react-router";
import { useEffect, useRef } from "react";

import { Header } from "./Header";
import { Reachability } from "./Reachability";
import classes from "./Shell.module.css";

/** The frame of every page: skip link, header, one main landmark, footer. */
export function Shell() {
  const main = useFocusOnNavigation();
  return (
    <div className={classes["shell"]}>
      <a className="skip-link" href="#main">
        Skip to the content
      </a>
      <Header />
      <Reachability />
      <main id="main" ref={main} tabIndex={-1} className={classes["main"]}>
        <Outlet />
      </main>
      <footer className={classes["footer"]}>
        <div className={classes["inner"]}>
          Fairmesh · names, seals, policies and lineage that the platform itself carries out
        </div>
      </footer>
    </div>
  );
}

/** A reader of the screen hears the new page, not the link that led to it. */
function useFocusOnNavigation() {
  const main = useRef<HTMLElement>(null);
  const path = useRouterState({ select: (state) => state.location.pathname });
  const before = useRef(path);
  useEffect(() => {
    if (before.current === path) return;
    before.current = path;
    main.current?.focus({ preventScroll: true });
  }, [path]);
  return main;
}
