import type { ApiProblem } from "../api/problem";
import { ProductLink } from "./ProductLink";

/** The way on from a refusal: a link to the form, where access is what can be asked for. */
export function AskForAccess({ problem: { mayAskFor: name } }: { problem: ApiProblem }) {
  if (!name) return null;
  return (
    <ProductLink name={name} tab="access">
      Ask for access to {name}
    </ProductLink>
  );
}
