import { NumberInput } from "@mantine/core";

import { MOST_SAMPLED, SAMPLED_FIRST } from "../search";

interface RowsInputProps {
  rows: number;
  onRows: (rows: number) => void;
}

/** How many of the first rows a sample takes. */
export function RowsInput({ rows, onRows }: RowsInputProps) {
  return (
    <NumberInput
      label="Rows"
      w={110}
      min={1}
      max={MOST_SAMPLED}
      clampBehavior="strict"
      allowDecimal={false}
      value={rows}
      onChange={(value) => onRows(Number(value) || SAMPLED_FIRST)}
    />
  );
}
