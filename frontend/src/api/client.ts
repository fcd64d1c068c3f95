import createClient, { type Middleware } from "openapi-fetch";

import { reportReachable } from "./reachable";
import { ApiProblem, unreachable } from "./problem";
import type { paths } from "./schema";

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);

function csrfToken(): string {
  const found = /(?:^|;\s*)[^=;]*csrftoken=([^;]+)/.exec(document.cookie);
  return found?.[1] ?? "";
}

const csrf: Middleware = {
  onRequest({ request }) {
    if (!SAFE.has(request.method)) request.headers.set("X-CSRFToken", csrfToken());
    return request;
  },
};

export const api = createClient<paths>({ baseUrl: "/", credentials: "same-origin" });
api.use(csrf);

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** Return what was answered; throw an ApiProblem for everything that is not a success. */
export async function ask<T>(asked: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await asked;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    reportReachable(false);
    throw unreachable();
  }
  const { response } = answer;
  const gateway = response.status === 502 || response.status === 504;
  reportReachable(!gateway);
  if (response.ok) return answer.data as T;
  const body = typeof answer.error === "object" && answer.error !== null ? answer.error : {};
  const requestId = response.headers.get("X-Request-Id") ?? "";
  throw new ApiProblem(response.status, body as Record<string, unknown>, requestId);
}

/** The value of `cursor` in the address of the next page, which the API writes in full. */
export function cursorOf(next: string | null | undefined): string | undefined {
  if (!next) return undefined;
  return new URL(next, window.location.origin).searchParams.get("cursor") ?? undefined;
}
