import { Fragment } from "react";

import type { ProductTab } from "../features/product/search";
import { ProductLink } from "./ProductLink";

interface WayProps {
  /** Names of products or of versions. */
  from: readonly string[];
  to: string;
  tab?: ProductTab | undefined;
}

/** From where to where a pipeline or a run leads. */
export function Way({ from, to, tab }: WayProps) {
  return (
    <>
      {from.map((name, position) => (
        <Fragment key={`${position} ${name}`}>
          {position > 0 && ", "}
          <ProductLink name={name} tab={tab} className="mono">
            {name}
          </ProductLink>
        </Fragment>
      ))}{" "}
      →{" "}
      <ProductLink name={to} tab={tab} className="mono">
        {to}
      </ProductLink>
    </>
  );
}
