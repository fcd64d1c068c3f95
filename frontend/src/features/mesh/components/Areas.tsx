import { Link } from "@tanstack/react-router";

import { useMe } from "../../../api/session";
import { SignInFirst } from "../../../ui/Notice";
import { PageTitle } from "../../../ui/Page";
import classes from "../Mesh.module.css";

interface AreasProps {
  title: string;
  children: React.ReactNode;
}

/** The frame of the mesh's two pages: where things are, and what would move. */
export function Areas({ title, children }: AreasProps) {
  const me = useMe();
  return (
    <>
      <PageTitle>{title}</PageTitle>
      <h1 className={classes["title"]}>Mesh</h1>
      {me?.authenticated === false && <SignInFirst />}
      {me?.authenticated && (
        <>
          <nav className={classes["areas"]} aria-label="Mesh">
            <Link to="/mesh" activeOptions={{ exact: true, includeSearch: false }}>
              Places
            </Link>
            <Link to="/mesh/plan" activeOptions={{ includeSearch: false }}>
              What would move
            </Link>
          </nav>
          {children}
        </>
      )}
    </>
  );
}
