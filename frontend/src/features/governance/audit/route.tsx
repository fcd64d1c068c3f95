import { useInfiniteQuery } from "@tanstack/react-query";
import { createLazyRoute } from "@tanstack/react-router";

import { PageTitle } from "../../../ui/Page";
import { List } from "../../../ui/List";
import classes from "../Governance.module.css";
import { CheckpointPanel } from "./components/CheckpointPanel";
import { EntryTable } from "./components/EntryTable";
import { Filters } from "./components/Filters";
import { entriesQuery } from "./queries";

export const route = createLazyRoute("/governance/audit")({ component: AuditPage });

function AuditPage() {
  const { entry: _open, ...filters } = route.useSearch();
  const query = useInfiniteQuery(entriesQuery(filters));
  return (
    <>
      <PageTitle>Audit</PageTitle>
      <div className={classes["stack"]}>
        <CheckpointPanel />
        <Filters key={JSON.stringify(filters)} />
        <List
          title="Who did what"
          aside="Operators read all of it; everyone what they did themselves"
          what="entries"
          query={query}
          empty="No such entry."
        >
          {(rows) => <EntryTable rows={rows} />}
        </List>
      </div>
    </>
  );
}
