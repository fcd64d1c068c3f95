import { SegmentedControl } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { createLazyRoute, useNavigate } from "@tanstack/react-router";

import { PageTitle } from "../../../ui/Page";
import { List } from "../../../ui/List";
import classes from "../Governance.module.css";
import { GrantTable } from "./components/GrantTable";
import { RequestList } from "./components/RequestList";
import { ReviewList } from "./components/ReviewList";
import { SubscriptionTable } from "./components/SubscriptionTable";
import { grantsQuery, requestsQuery, subscriptionsQuery } from "./queries";
import type { RequestsView } from "./search";

export const route = createLazyRoute("/governance/requests")({ component: RequestsPage });

const TITLES: Record<RequestsView, string> = {
  inbox: "To decide",
  mine: "My requests",
  subscriptions: "My subscriptions",
  grants: "My grants",
  reviews: "To review",
};

function RequestsPage() {
  const { view = "inbox" } = route.useSearch();
  const navigate = useNavigate({ from: "/governance/requests" });
  return (
    <>
      <PageTitle>Requests</PageTitle>
      <div className={`${classes["filters"]} ${classes["scroll"]}`}>
        <SegmentedControl
          miw="max-content"
          aria-label="Which requests"
          value={view}
          onChange={(next) => void navigate({ search: { view: next as RequestsView } })}
          data={Object.entries(TITLES).map(([value, label]) => ({ value, label }))}
        />
      </div>
      {view === "inbox" && <Inbox />}
      {view === "mine" && <Mine />}
      {view === "subscriptions" && <Subscriptions />}
      {view === "grants" && <Grants />}
      {view === "reviews" && <Reviews />}
    </>
  );
}

function Inbox() {
  const query = useInfiniteQuery(requestsQuery(true));
  const empty = "Nobody waits for your answer.";
  return (
    <List title="Requests that wait for you" what="requests" query={query} empty={empty}>
      {(rows) => <RequestList rows={rows} decide />}
    </List>
  );
}

function Mine() {
  const query = useInfiniteQuery(requestsQuery(false));
  const empty = "You have asked for nothing yet; the page of a product has the form.";
  return (
    <List title="What you and your teams asked for" what="requests" query={query} empty={empty}>
      {(rows) => <RequestList rows={rows} />}
    </List>
  );
}

function Subscriptions() {
  const query = useInfiniteQuery(subscriptionsQuery);
  const empty = "You and your teams have asked for no port of a product yet.";
  return (
    <List title="What you and your teams consume" what="subscriptions" query={query} empty={empty}>
      {(rows) => <SubscriptionTable rows={rows} />}
    </List>
  );
}

function Grants() {
  const query = useInfiniteQuery(grantsQuery(false));
  const empty = "Nothing was granted to you yet.";
  return (
    <List title="What was granted to you" what="grants" query={query} empty={empty}>
      {(rows) => <GrantTable rows={rows} />}
    </List>
  );
}

function Reviews() {
  const query = useInfiniteQuery(grantsQuery(true));
  const empty = "No broken glass waits for your review.";
  return (
    <List title="Broken glasses to review" what="reviews" query={query} empty={empty}>
      {(rows) => <ReviewList rows={rows} />}
    </List>
  );
}
