import { useDocumentTitle } from "@mantine/hooks";

import classes from "./Page.module.css";

/** Gives the page its title in the tab; every page has one. */
export function PageTitle({ children }: { children: string }) {
  useDocumentTitle(`${children} · Fairmesh`);
  return null;
}

interface PanelProps {
  title?: string;
  aside?: React.ReactNode;
  children: React.ReactNode;
  flush?: boolean;
}

export function Panel({ title, aside, children, flush = false }: PanelProps) {
  return (
    <section className={classes["panel"]} aria-label={title}>
      {title && (
        <div className={classes["head"]}>
          <h2>{title}</h2>
          {aside && <div className={classes["aside"]}>{aside}</div>}
        </div>
      )}
      <div className={flush ? classes["flush"] : classes["body"]}>{children}</div>
    </section>
  );
}

/** A table that scrolls by itself on a narrow screen, by touch and by keyboard. */
export function TableFrame({ label, children }: { label: string; children: React.ReactNode }) {
  return (
    <section className={classes["frame"]} aria-label={label} tabIndex={0}>
      {children}
    </section>
  );
}

interface HeadsProps {
  texts: readonly string[];
  numbers: readonly string[];
  last?: string | false;
}

/** The row of column heads: texts first, then numbers, which stand to the right. */
export function Heads({ texts, numbers, last = false }: HeadsProps) {
  return (
    <thead>
      <tr>
        {texts.map((text) => (
          <th key={text} scope="col">
            {text}
          </th>
        ))}
        {numbers.map((number) => (
          <th key={number} scope="col" className="num">
            {number}
          </th>
        ))}
        {last && <th scope="col">{last}</th>}
      </tr>
    </thead>
  );
}
