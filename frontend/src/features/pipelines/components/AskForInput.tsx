import type { Pipeline } from "../../../api/types";
import { ProductLink } from "../../../ui/ProductLink";

/** The way on for who may not use the input. */
export function AskForInput({ pipeline }: { pipeline: Pipeline }) {
  return pipeline.inputs.map((name) => (
    <ProductLink key={name} name={name} tab="access">
      Ask for access to {name}
    </ProductLink>
  ));
}
