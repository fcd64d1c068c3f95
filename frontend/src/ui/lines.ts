/** As in CodeArea.module.css. */
export const LINE_PX = 20;
export const PAD_PX = 10;

const VIEW_PART = 3;

/** Select a line of a text field, counted from 1, and bring it into view. */
export function goToLine(area: HTMLTextAreaElement, line: number): void {
  const lines = area.value.split("\n");
  const at = Math.min(Math.max(line, 1), lines.length) - 1;
  const start = lines.slice(0, at).reduce((sum, one) => sum + one.length + 1, 0);
  const frame = area.closest("[data-code]");
  if (frame) {
    frame.scrollTop = PAD_PX + at * LINE_PX - frame.clientHeight / VIEW_PART;
    frame.scrollIntoView({ block: "nearest" });
  }
  area.focus({ preventScroll: true });
  area.setSelectionRange(start, start + (lines[at]?.length ?? 0));
}
