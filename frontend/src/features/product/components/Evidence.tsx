import type { LabelInForce } from "../../../api/types";
import { count } from "../../../ui/format";
import { ProductLink } from "../../../ui/ProductLink";
import classes from "../Product.module.css";

type Told = Partial<LabelInForce["evidence"]>;
type Step = Partial<Told["path"] extends (infer One)[] | undefined ? One : never>;

/** Why a label stands: who put it there, what a scan counted, or the path it came by. */
export function Evidence({ label }: { label: LabelInForce }) {
  const told: Told = label.evidence;
  if (told.path && told.path.length > 0) return <Path steps={told.path} />;
  if (told.contract !== undefined) return <>revision {told.contract} of the contract</>;
  if (told.detector) {
    return (
      <>
        {told.detector}: {count(told.matches ?? 0)} of {count(told.candidates ?? 0)} values
        {told.confirmed && `, confirmed by ${label.created_by}`}
      </>
    );
  }
  return <>said by {label.created_by}</>;
}

function Path({ steps }: { steps: Step[] }) {
  return (
    <ol className={classes["path"]} aria-label="Path">
      {steps.map((step, index) => (
        <li key={index}>
          <Place step={step} />
          {step.column && <span className="mono"> · {step.column}</span>}
        </li>
      ))}
    </ol>
  );
}

function Place({ step }: { step: Step }) {
  if (step.hidden || !step.name) return <em>hidden from you</em>;
  if (step.namespace || !step.name.includes("/~/")) return <span className="mono">{step.name}</span>;
  return (
    <ProductLink name={step.name} tab="labels">
      <span className="mono">{step.name}</span>
    </ProductLink>
  );
}
