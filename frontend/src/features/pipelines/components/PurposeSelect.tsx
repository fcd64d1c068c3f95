import { NativeSelect } from "@mantine/core";

import { PURPOSES, type StatedPurpose } from "../search";

interface PurposeSelectProps {
  /** Empty when none is stated. */
  purpose: StatedPurpose | "";
  onChoose: (purpose: StatedPurpose | undefined) => void;
}

export function PurposeSelect({ purpose, onChoose }: PurposeSelectProps) {
  return (
    <NativeSelect
      label="Purpose"
      description="A grant for a purpose is good for what states it."
      data={[{ value: "", label: "none stated" }, ...PURPOSES]}
      value={purpose}
      onChange={({ currentTarget: { value } }) =>
        onChoose(PURPOSES.find((one) => one === value))
      }
    />
  );
}
