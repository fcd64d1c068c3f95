import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";

import { api, ask } from "../../api/client";
import type { DiscoverSearch } from "./search";

const PAGE_SIZE = 20;

export function searchQuery(search: DiscoverSearch) {
  return infiniteQueryOptions({
    queryKey: ["search", search],
    queryFn: ({ pageParam, signal }) => {
      const query = { ...search, page_size: PAGE_SIZE, ...(pageParam && { cursor: pageParam }) };
      return ask(api.GET("/api/v1/search", { params: { query }, signal }));
    },
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  });
}

export function suggestQuery(q: string) {
  return queryOptions({
    queryKey: ["suggest", q],
    queryFn: ({ signal }) =>
      ask(api.GET("/api/v1/search/suggest", { params: { query: { q } }, signal })),
    enabled: q.trim().length > 1,
    staleTime: 60_000,
    placeholderData: keepPreviousData,
  });
}
