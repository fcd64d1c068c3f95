import { ProductLink } from "../../../ui/ProductLink";
import classes from "../Runs.module.css";

interface LookedUpProps {
  /** Versions, each with the steps that look it up. */
  inputs: readonly { name: string; steps: readonly string[] }[];
}

/** Which steps look which inputs up, and what that means for their rows. */
export function LookedUp({ inputs }: LookedUpProps) {
  return inputs.map(({ name, steps }, position) => (
    <p key={position} className={classes["lookup"]}>
      <ProductLink name={name} tab="versions" className="mono">
        {name}
      </ProductLink>{" "}
      is only looked up, by <span className="mono">{steps.join(", ")}</span>: its rows do not go
      through the steps, and are counted apart.
    </p>
  ));
}
