import { useBlocker } from "@tanstack/react-router";

/** Ask before a page is left on which something is not saved; other tabs of it are not left for. */
export function useUnsaved(unsaved: boolean, question: string): void {
  useBlocker({
    shouldBlockFn: ({ current, next }) =>
      current.pathname !== next.pathname && !window.confirm(question),
    enableBeforeUnload: true,
    disabled: !unsaved,
  });
}
