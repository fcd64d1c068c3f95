import { Link } from "@tanstack/react-router";

import { Areas } from "../../../ui/Areas";
import { PageTitle } from "../../../ui/Page";

interface FrameProps {
  title: string;
  children: React.ReactNode;
}

/** The frame of the mesh's two pages: where things are, and what would move. */
export function Frame({ title, children }: FrameProps) {
  const links = (
    <>
      <Link to="/mesh" activeOptions={{ exact: true, includeSearch: false }}>
        Places
      </Link>
      <Link to="/mesh/plan" activeOptions={{ includeSearch: false }}>
        What would move
      </Link>
    </>
  );
  return (
    <>
      <PageTitle>{title}</PageTitle>
      <Areas name="Mesh" links={links}>
        {children}
      </Areas>
    </>
  );
}
