/** What the address of the requests page says. */
export const VIEWS = ["inbox", "mine", "subscriptions", "grants", "reviews"] as const;
export type RequestsView = (typeof VIEWS)[number];

export interface RequestsSearch {
  view?: RequestsView;
  /** The id of the request, or of the grant, that is open. */
  open?: string;
}

export function readRequests(search: Record<string, unknown>): RequestsSearch {
  const found: RequestsSearch = {};
  const view = VIEWS.find((one) => one === search["view"]);
  if (view && view !== "inbox") found.view = view;
  if (typeof search["open"] === "string") found.open = search["open"];
  return found;
}
