import { useDocumentVisibility } from "@mantine/hooks";
import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";

import type { Transfer } from "../../api/types";
import type { Pages } from "./queries";
import { notePace, noteProgress } from "./rate";

const ADDRESS = "/api/v1/transfers/events";
/** After a stream was refused or ended early the page polls for so long before it asks again. */
const AGAIN_MS = 60_000;
/** A stream that was open for so long before it ended is asked for again at once. */
const LASTED_MS = 30_000;
const GATHER_MS = 1000;

/** The whole state of one transfer, as the stream tells it; see docs/how-to/watch-transfers.md. */
interface Told extends Pick<
  Transfer,
  | "id" | "source" | "state" | "reason_code" | "reason" | "attempt" | "next_attempt_at"
  | "files_total" | "files_done" | "bytes_total" | "bytes_done" | "finished_at"
> {
  bytes_per_second: number | null;
  eta_seconds: number | null;
}

/**
 * Follow transfers as the platform tells of them, while `wanted` and the page is seen.
 *
 * `tell` hears whether the stream is open; while it is not, or there is none, the page polls.
 */
export function useTransferEvents(wanted: boolean, tell: (open: boolean) => void): void {
  const client = useQueryClient();
  const seen = useDocumentVisibility() === "visible";
  const listens = wanted && seen && "EventSource" in window;
  useEffect(() => (listens ? follow(client, tell) : undefined), [client, listens, tell]);
}

/** Keep a stream open, and ask for one again when it ended; return what stops it. */
function follow(client: QueryClient, tell: (open: boolean) => void): () => void {
  let timer = 0;
  let stop: (() => void) | undefined;
  const begin = () => {
    stop = listen(client, tell, (lasted) => {
      tell(false);
      timer = window.setTimeout(begin, lasted > LASTED_MS ? 0 : AGAIN_MS);
    });
  };
  begin();
  return () => {
    window.clearTimeout(timer);
    stop?.();
    tell(false);
  };
}

/** Open one stream; `ended` hears for how many milliseconds it was open. */
function listen(
  client: QueryClient,
  tell: (open: boolean) => void,
  ended: (lasted: number) => void,
): () => void {
  const stream = new EventSource(ADDRESS);
  const lists = gatherer(client);
  const states = new Map<string, string>();
  let since = Date.now();
  const end = () => {
    stream.close();
    lists.askNow();
    ended(Date.now() - since);
  };
  stream.addEventListener("open", () => {
    since = Date.now();
    tell(true);
  });
  stream.addEventListener("transfer", (event: MessageEvent<string>) => {
    const told = JSON.parse(event.data) as Told;
    const listed = take(client, told);
    const before = states.get(told.id) ?? listed;
    states.set(told.id, told.state);
    // One that is in no list and was there from the first is on a page that is not open.
    const isNew = before === undefined && Date.now() - since > GATHER_MS;
    if (isNew || (before !== undefined && before !== told.state)) lists.askSoon();
  });
  stream.addEventListener("gone", lists.askSoon);
  stream.addEventListener("end", end);
  // A refusal, as with 503, and a line that broke look alike: both mean to poll for a while.
  stream.addEventListener("error", end);
  return () => {
    stream.close();
    lists.cancel();
  };
}

/** Write what was told into every list that is open; return the state that was listed before. */
function take(client: QueryClient, told: Told): string | undefined {
  noteProgress(told.id, told.bytes_done);
  notePace(told.id, told.bytes_per_second, told.eta_seconds);
  let listed: string | undefined;
  client.setQueriesData<Pages<Transfer>>({ queryKey: ["jobs", "transfers"] }, (data) => {
    const found = data?.pages.flatMap((page) => page.results).find((one) => one.id === told.id);
    listed ??= found?.state;
    return data && found ? withTold(data, told) : data;
  });
  return listed;
}

function withTold(data: Pages<Transfer>, told: Told): Pages<Transfer> {
  const { bytes_per_second: _rate, eta_seconds: _left, ...fields } = told;
  const pages = data.pages.map((page) => ({
    ...page,
    results: page.results.map((one) => (one.id === told.id ? { ...one, ...fields } : one)),
  }));
  return { ...data, pages };
}

/** Asks for the lists anew, once for all that happens within a second. */
function gatherer(client: QueryClient) {
  let timer = 0;
  const cancel = () => {
    window.clearTimeout(timer);
    timer = 0;
  };
  const askNow = () => {
    cancel();
    void client.invalidateQueries({ queryKey: ["jobs", "transfers"] });
  };
  const askSoon = () => {
    timer ||= window.setTimeout(askNow, GATHER_MS);
  };
  return { askNow, askSoon, cancel };
}
