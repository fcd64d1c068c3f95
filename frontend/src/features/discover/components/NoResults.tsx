import { Link } from "@tanstack/react-router";

import { Empty } from "../../../ui/Notice";
import type { DiscoverSearch } from "../search";

export function NoResults({ search }: { search: DiscoverSearch }) {
  const filters = [search.domain, search.license, search.format].filter(Boolean);
  if (filters.length > 0) {
    return (
      <Empty title="Nothing here passes these filters">
        Looking in {filters.join(", ")}.{" "}
        <Link to="/" search={{ q: search.q }}>
          Search without filters
        </Link>
      </Empty>
    );
  }
  if (search.q) {
    return (
      <Empty title={`Nothing holds “${search.q}”`}>
        Try fewer or other words. Products that their owners keep private are not listed.
      </Empty>
    );
  }
  return (
    <Empty title="No data products yet">
      What is published will be listed here, as far as you may know of it.
    </Empty>
  );
}
