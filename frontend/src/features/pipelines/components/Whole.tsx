import { Button } from "@mantine/core";

interface WholeProps {
  whole: boolean;
  /** Called with what the address is to say. */
  onWhole: (next: "yes" | undefined) => void;
}

/** Whether long values of a sample are shown whole. */
export function Whole({ whole, onWhole }: WholeProps) {
  return (
    <Button
      variant="subtle"
      aria-pressed={whole}
      onClick={() => onWhole(whole ? undefined : "yes")}
    >
      {whole ? "Cut long values" : "Show long values whole"}
    </Button>
  );
}
