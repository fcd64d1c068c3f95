import { TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";

import { namedQuery } from "../queries";

const TYPING_MS = 200;

interface NameFieldProps {
  name: string;
  onName: (name: string) => void;
}

/** The name to save under; it says when that is the next revision of a pipeline there is. */
export function NameField({ name, onName }: NameFieldProps) {
  const [asked] = useDebouncedValue(name.trim(), TYPING_MS);
  const there = useQuery(namedQuery(asked)).data;
  const known = asked === name.trim() ? there : null;
  return (
    <TextInput
      label="Name"
      description={
        known
          ? `Saved as the next revision: ${known.name} is at ${known.revision} now.`
          : "Letters, digits, - and _. A new name is a new pipeline."
      }
      required
      withAsterisk={false}
      maxLength={100}
      pattern="[\-a-zA-Z0-9_]+"
      spellCheck={false}
      w={340}
      maw="100%"
      value={name}
      onChange={(event) => onName(event.currentTarget.value)}
    />
  );
}
