import type { Action } from "../../../api/types";

/** Every action that the API knows, in words; a new one there fails the build here. */
export const ACTIONS: Record<Action, string> = {
  discover: "Know of it",
  read: "Read it",
  write: "Change what it says of itself",
  publish: "Publish versions",
  replicate: "Copy it elsewhere",
  transform: "Make others from it",
  administer: "Administer it",
};

/** What the address of the page says: the question. */
export interface WhoSearch {
  name?: string;
  action?: Action;
  person?: string;
  purpose?: string;
}

export function readWho(search: Record<string, unknown>): WhoSearch {
  const found: WhoSearch = {};
  for (const key of ["name", "person", "purpose"] as const) {
    const given = search[key];
    if (typeof given === "string" && given) found[key] = given;
  }
  const action = String(search["action"]);
  if (action in ACTIONS) found.action = action as Action;
  return found;
}
