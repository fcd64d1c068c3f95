import classes from "./Page.module.css";

export type Figure = readonly [term: string, told: React.ReactNode];

/** Figures side by side, each under what it is of. */
export function Figures({ figures }: { figures: readonly Figure[] }) {
  return (
    <dl className={classes["figures"]}>
      {figures.map(([term, told]) => (
        <div key={term}>
          <dt>{term}</dt>
          <dd>{told}</dd>
        </div>
      ))}
    </dl>
  );
}
