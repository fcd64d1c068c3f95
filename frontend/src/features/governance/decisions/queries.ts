import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";

import { api, ask, cursorOf } from "../../../api/client";
import type { Action } from "../../../api/types";

export interface Question {
  action: Action;
  name: string;
  /** Oneself when left out. */
  person?: string;
  purpose?: string;
}

/** The answer and, of every policy about the action, the part that fails first. */
export function decisionQuery({ action, name, person = "", purpose = "" }: Question) {
  return queryOptions({
    queryKey: ["decisions", action, name, person, purpose],
    queryFn: ({ signal }) => {
      const about = { principal: person, purpose, site: "", jurisdictions: [] };
      const body = { action, name, ...about, explain: true };
      return ask(api.POST("/api/v1/decisions", { body, signal }));
    },
  });
}

export function whoQuery({ action, name, purpose = "" }: Question) {
  return infiniteQueryOptions({
    queryKey: ["decisions", "who", action, name, purpose],
    queryFn: ({ pageParam, signal }) => {
      const query = { action, name, purpose, ...(pageParam && { cursor: pageParam }) };
      return ask(api.GET("/api/v1/decisions/who", { params: { query }, signal }));
    },
    initialPageParam: "",
    getNextPageParam: (page) => cursorOf(page.next),
  });
}
