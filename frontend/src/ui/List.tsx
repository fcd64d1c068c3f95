import type { InfiniteData } from "@tanstack/react-query";

import type { Page } from "../api/types";
import { LoadingRows } from "./Loading";
import { More } from "./More";
import { Failure } from "./Notice";
import { Panel } from "./Page";
import classes from "./Page.module.css";

export interface ListOf<T> {
  data: InfiniteData<Page<T>, unknown> | undefined;
  error: Error | null;
  isPending: boolean;
  refetch: () => unknown;
  hasNextPage: boolean;
  isFetchingNextPage: boolean;
  fetchNextPage: () => unknown;
}

interface ListProps<T> {
  title: string;
  /** What there is more of, in the plural. */
  what: string;
  query: ListOf<T>;
  empty: string;
  aside?: React.ReactNode;
  children: (rows: T[]) => React.ReactNode;
}

/** A panel with the pages of a list, in each of its states: loading, failed, denied, empty, full. */
export function List<T>({ title, what, query, empty, aside, children }: ListProps<T>) {
  const rows = query.data?.pages.flatMap((page) => page.results) ?? [];
  if (query.error && !query.data) {
    return <Failure error={query.error} retry={() => void query.refetch()} />;
  }
  return (
    <Panel title={title} aside={aside} flush>
      {query.isPending && <LoadingRows rows={5} height={34} />}
      {query.data && rows.length === 0 && <p className={classes["pad"]}>{empty}</p>}
      {rows.length > 0 && children(rows)}
      <More query={query} what={what} />
    </Panel>
  );
}
