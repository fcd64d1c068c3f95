import { asProblem, type Place } from "../../api/problem";
import type { Pipeline } from "../../api/types";
import { plural } from "../../ui/format";
import type { DraftTold } from "./queries";

/** What was last said of a text: what was asked for, or why it was refused. */
export interface Answer {
  text: string;
  told?: DraftTold | undefined;
  error?: unknown;
  /** It was saved, and what was to follow was refused. */
  saved?: Pipeline;
}

/** Where the text is wrong, whether that was asked for or stood in the way of something else. */
export function problemsOf({ told, error }: Answer): readonly Place[] {
  if (told?.verb === "check") {
    return told.checked.problems.map((one) => ({ ...one, suggestion: one.suggestion ?? "" }));
  }
  const problem = error ? asProblem(error) : null;
  return problem?.code === "invalid_spec" ? problem.places : [];
}

/** The answer in a sentence, for who does not see what stands below; refusals tell themselves. */
export function inWords(answer: Answer): string {
  const [first, ...more] = problemsOf(answer);
  if (first) {
    const line = first.line === null ? "" : ` in line ${first.line}`;
    if (more.length === 0) return `One problem${line}.`;
    return `${plural(more.length + 1, "problem")}${line && `, the first${line}`}.`;
  }
  if (answer.told?.verb === "check") {
    const { not_compared: reason } = answer.told.checked;
    if (!reason) return "Nothing stands in the way of saving it.";
    return `Nothing is wrong so far. Its columns could not be compared with the input's: ${reason}`;
  }
  if (answer.told?.verb === "plan") return "What a run would do stands below. Nothing is saved.";
  if (answer.told) return "What becomes of the rows stands below. Nothing is saved.";
  return "";
}
