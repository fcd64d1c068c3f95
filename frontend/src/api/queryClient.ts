import { QueryClient } from "@tanstack/react-query";

import { asProblem } from "./problem";

const SECOND = 1000;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15 * SECOND,
      refetchOnWindowFocus: false,
      // A refusal does not change by asking again; a silence or a busy server may.
      retry: (count, error) => {
        const { status } = asProblem(error);
        return count < 2 && (status === 0 || status >= 502);
      },
      retryDelay: (count) => Math.min(SECOND * 2 ** count, 8 * SECOND),
    },
    mutations: { retry: false },
  },
});
