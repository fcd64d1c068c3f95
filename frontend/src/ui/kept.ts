import { useState } from "react";

interface Kept {
  value: string;
  /** It is another one than that which it began with, or which was saved last. */
  changed: boolean;
  /** A reload would lose it: the browser has no room for it, or keeps nothing. */
  loose: boolean;
  set: (value: string) => void;
  /** Go back to what it began with. */
  reset: () => void;
  /** It is saved elsewhere: the browser need not keep it any more. */
  settle: () => void;
}

/** A text that outlives a reload of the page, in this tab; nothing is kept of one as it began. */
export function useKept(key: string, first: string): Kept {
  const [base, setBase] = useState(first);
  const [value, setValue] = useState(() => read(key) ?? first);
  const [loose, setLoose] = useState(false);
  const set = (next: string) => {
    setValue(next);
    setLoose(!write(key, next === base ? null : next));
  };
  const settle = () => {
    setBase(value);
    write(key, null);
  };
  return { value, changed: value !== base, loose, set, reset: () => set(base), settle };
}

function read(key: string): string | null {
  try {
    return sessionStorage.getItem(key);
  } catch (error) {
    return refused(error, null);
  }
}

function write(key: string, value: string | null): boolean {
  try {
    if (value === null) sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, value);
    return true;
  } catch (error) {
    return refused(error, false);
  }
}

/** What stands for an answer where the browser is full or keeps nothing. */
function refused<T>(error: unknown, answer: T): T {
  if (error instanceof DOMException) return answer;
  throw error;
}
