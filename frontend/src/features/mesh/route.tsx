import { createLazyRoute } from "@tanstack/react-router";

import { useMe } from "../../api/session";
import { ChangeState } from "./components/ChangeState";
import { Frame } from "./components/Frame";
import { Links } from "./components/Links";
import { Sites } from "./components/Sites";
import { Stores } from "./components/Stores";
import classes from "./Mesh.module.css";

export const route = createLazyRoute("/mesh")({ component: MeshPage });

/** Sites, their stores and the ways between them; operators change what they are in. */
function MeshPage() {
  return (
    <Frame title="Mesh">
      <Places />
    </Frame>
  );
}

function Places() {
  const { change } = route.useSearch();
  const operator = useMe()?.is_operator ?? false;
  return (
    <div className={classes["stack"]}>
      <Sites operator={operator} />
      <Stores operator={operator} />
      {operator && <Links />}
      {!operator && (
        <p className={classes["quiet"]}>
          The ways between sites, with what was measured on them, are shown to operators.
        </p>
      )}
      {operator && change && <ChangeState key={change} name={change} />}
    </div>
  );
}
