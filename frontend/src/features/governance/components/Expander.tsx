import { UnstyledButton } from "@mantine/core";

import { ChevronIcon } from "../../../ui/icons";
import classes from "../Governance.module.css";

interface ExpanderProps {
  open: boolean;
  /** Where the visible words alone do not tell what is opened; it begins with them. */
  label?: string;
  toggle: () => void;
  children: React.ReactNode;
}

/** The button at the head of a row that opens what stands below it. */
export function Expander({ open, label, toggle, children }: ExpanderProps) {
  return (
    <UnstyledButton
      className={classes["expander"]}
      aria-expanded={open}
      aria-label={label}
      onClick={toggle}
    >
      <span className={classes["chevron"]} data-open={open || undefined}>
        <ChevronIcon />
      </span>
      <span>{children}</span>
    </UnstyledButton>
  );
}
