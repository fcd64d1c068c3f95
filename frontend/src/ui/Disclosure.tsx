import { useClickOutside } from "@mantine/hooks";
import { useId, useState } from "react";

import classes from "./Disclosure.module.css";

interface DisclosureProps {
  label: string;
  button: React.ReactNode;
  children: (close: () => void) => React.ReactNode;
}

/** A button that opens a small panel below it; Escape, a click elsewhere or leaving closes it. */
export function Disclosure({ label, button, children }: DisclosureProps) {
  const [open, setOpen] = useState(false);
  const id = useId();
  const box = useClickOutside<HTMLDivElement>(() => setOpen(false));
  const close = () => {
    setOpen(false);
    document.getElementById(id)?.focus();
  };
  return (
    <div
      ref={box}
      role="presentation"
      className={classes["box"]}
      onKeyDown={(event) => event.key === "Escape" && open && close()}
      onBlur={(event) => !event.currentTarget.contains(event.relatedTarget) && setOpen(false)}
    >
      <button
        id={id}
        type="button"
        className={classes["button"]}
        aria-label={label}
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        {button}
      </button>
      {open && <div className={classes["panel"]}>{children(close)}</div>}
    </div>
  );
}

interface ChoiceProps {
  icon?: React.ReactNode;
  current?: boolean;
  onClick: () => void;
  children: React.ReactNode;
}

export function Choice({ icon, current, onClick, children }: ChoiceProps) {
  return (
    <button
      type="button"
      className={classes["choice"]}
      aria-current={current || undefined}
      onClick={onClick}
    >
      {icon}
      {children}
    </button>
  );
}

/** A choice that leads to a page which is not the portal's own. */
export function ChoiceAway({ href, children }: { href: string; children: React.ReactNode }) {
  return (
    <a className={classes["choice"]} href={href}>
      {children}
    </a>
  );
}
