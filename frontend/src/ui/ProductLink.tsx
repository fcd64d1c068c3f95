import { Link } from "@tanstack/react-router";

import type { ProductTab } from "../features/product/search";

interface ProductLinkProps {
  /** The name of a product, or of one of its versions. */
  name: string;
  tab?: ProductTab | undefined;
  children: React.ReactNode;
  className?: string | undefined;
}

export function ProductLink({ name, tab, children, className }: ProductLinkProps) {
  const product = name.replace(/\/v=\d+(\/.*)?$/, "");
  return (
    <Link to="/p/$" params={{ _splat: product.slice(1) }} search={{ tab }} className={className}>
      {children}
    </Link>
  );
}
