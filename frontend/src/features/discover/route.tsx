import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";

import { Failure } from "../../ui/Notice";
import { count, plural } from "../../ui/format";
import { More } from "../../ui/More";
import { PageTitle } from "../../ui/Page";
import { Facets } from "./components/Facets";
import { NoResults } from "./components/NoResults";
import { Result } from "./components/Result";
import { ResultsLoading } from "./components/ResultsLoading";
import { SearchBox } from "./components/SearchBox";
import classes from "./Discover.module.css";
import { searchQuery } from "./queries";

export function DiscoverPage() {
  const search = useSearch({ from: "/" });
  const results = useInfiniteQuery(searchQuery(search));
  const first = results.data?.pages[0];
  const hits = results.data?.pages.flatMap((page) => page.results) ?? [];
  return (
    <>
      <PageTitle>{search.q ? `${search.q} · Discover` : "Discover"}</PageTitle>
      <div className={classes["top"]}>
        <h1>Discover data products</h1>
        <SearchBox large search={search} />
      </div>
      <div className={classes["columns"]}>
        <aside className={classes["facets"]} aria-label="Filters">
          <Facets search={search} facets={first?.facets} />
        </aside>
        <section aria-label="Results" aria-busy={results.isFetching}>
          {results.isPending && <ResultsLoading />}
          {results.isError && (
            <Failure error={results.error} retry={() => void results.refetch()} />
          )}
          {first && (
            <p className={classes["summary"]} role="status">
              {search.q || filtered(search)
                ? plural(first.total, "product")
                : `${count(first.total)} products, newest first`}
              {first.corrected && (
                <>
                  {" for "}
                  <Link to="/" search={{ ...search, q: first.corrected }}>
                    {first.corrected}
                  </Link>
                  <span className={classes["quiet"]}> (nothing holds “{search.q}”)</span>
                </>
              )}
            </p>
          )}
          {first && hits.length === 0 && <NoResults search={search} />}
          <ol className={classes["results"]}>
            {hits.map((hit) => (
              <Result key={hit.product.id} hit={hit} />
            ))}
          </ol>
          <More query={results} what="results" />
        </section>
      </div>
    </>
  );
}

function filtered(search: { domain?: string; license?: string; format?: string }): boolean {
  return Boolean(search.domain ?? search.license ?? search.format);
}
