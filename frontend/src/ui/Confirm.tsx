import { Button, type ButtonProps } from "@mantine/core";
import { useState } from "react";

interface ConfirmProps extends ButtonProps {
  /** What the button says, and what it asks before it acts. */
  label: string;
  question: string;
  onConfirm: () => void;
  /** The name for who hears the page, where the label alone does not say of what. */
  of?: string;
}

/** A button for what is not undone: the first press asks, the second acts, leaving takes it back. */
export function Confirm({ label, question, onConfirm, of, ...rest }: ConfirmProps) {
  const [asked, setAsked] = useState(false);
  const says = asked ? question : label;
  return (
    <Button
      variant={asked ? "filled" : "default"}
      color={asked ? "red" : undefined}
      {...rest}
      aria-label={of && `${says} ${of}`}
      onBlur={() => setAsked(false)}
      onClick={() => {
        if (asked) onConfirm();
        setAsked(!asked);
      }}
    >
      {says}
    </Button>
  );
}
