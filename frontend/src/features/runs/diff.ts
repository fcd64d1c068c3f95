import type { RunDiff } from "../../api/types";

/** What a comparison comes to, in a sentence. */
export function verdictOf({ document, made_with, inputs, files }: RunDiff): string {
  const causes = [
    ...(document.length > 0 ? ["the document"] : []),
    ...(made_with && made_with.length > 0 ? ["what made them"] : []),
    ...(inputs.length > 0 ? ["the inputs"] : []),
  ];
  const told = causes.length > 0 ? ` What differs before them: ${causes.join(", ")}.` : "";
  if (!files) return `One of the runs has no published result to compare.${told}`;
  if (files.changed + files.added + files.removed === 0) {
    return `The results are equal, file by file.${told}`;
  }
  if (told) return `The results differ.${told}`;
  if (made_with === null) {
    return "The results differ, and it is not known of both runs with what they were made.";
  }
  return "The results differ, though nothing before them does: this should not be.";
}
