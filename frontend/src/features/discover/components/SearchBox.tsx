import { useDebouncedValue, useHotkeys } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useId, useRef, useState } from "react";

import { SearchIcon } from "../../../ui/icons";
import { suggestQuery } from "../queries";
import type { DiscoverSearch } from "../search";
import classes from "./SearchBox.module.css";

interface SearchBoxProps {
  large?: boolean;
  /** What the address says now; what is typed replaces its words and keeps its filters. */
  search?: DiscoverSearch;
}

/** The one search box. ⌘K, Ctrl+K and / bring one here from anywhere. */
export function SearchBox({ large = false, search }: SearchBoxProps) {
  const list = useId();
  const input = useRef<HTMLInputElement>(null);
  const box = useTyping(search?.q ?? "");
  const navigate = useNavigate();
  useSearchKeys(input);

  const go = (q: string) => {
    box.settle(q);
    void navigate({ to: "/", search: { ...search, q: q.trim() || undefined } });
  };
  const option = (index: number) => `${list}-${index}`;

  return (
    <form
      role="search"
      className={classes["form"]}
      data-large={large || undefined}
      onSubmit={(event) => {
        event.preventDefault();
        go(box.options[box.at] ?? box.typed);
      }}
    >
      <SearchIcon size={large ? 19 : 16} />
      <input
        ref={input}
        type="search"
        role="combobox"
        aria-label="Search data products"
        aria-expanded={box.options.length > 0}
        aria-controls={list}
        aria-autocomplete="list"
        aria-activedescendant={box.at >= 0 ? option(box.at) : undefined}
        placeholder="Search data products"
        autoComplete="off"
        spellCheck={false}
        maxLength={500}
        value={box.typed}
        onChange={(event) => box.type(event.currentTarget.value)}
        onKeyDown={(event) => box.steer(event)}
        onBlur={box.close}
      />
      <kbd>/</kbd>
      <div id={list} className={classes["list"]} role="listbox" aria-label="Suggestions" tabIndex={-1} hidden={box.options.length === 0}>
        {box.options.map((text, index) => (
          <div
            key={text}
            id={option(index)}
            role="option"
            tabIndex={-1}
            aria-selected={index === box.at}
            onMouseDown={(event) => {
              event.preventDefault();
              go(text);
            }}
          >
            {text}
          </div>
        ))}
      </div>
    </form>
  );
}

/** What is typed, what is suggested for it, and which suggestion the arrow keys are at. */
function useTyping(known: string) {
  const [before, setBefore] = useState(known);
  const [typed, setTyped] = useState(known);
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(-1);
  if (before !== known) {
    setBefore(known); // the address changed, by a link or by going back
    setTyped(known);
    setOpen(false);
  }
  const [asked] = useDebouncedValue(open ? typed : "", 120);
  const found = useQuery(suggestQuery(asked)).data?.suggestions ?? [];
  const options = open && typed.trim() ? found : [];
  const close = () => {
    setOpen(false);
    setAt(-1);
  };
  return {
    typed,
    options,
    at: at < options.length ? at : -1,
    close,
    type: (text: string) => {
      setTyped(text);
      setOpen(true);
      setAt(-1);
    },
    settle: (text: string) => {
      setTyped(text);
      close();
    },
    steer: (event: React.KeyboardEvent) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (event.key === "Escape" && options.length > 0) {
        event.preventDefault();
        close();
      } else if (step && options.length > 0) {
        event.preventDefault();
        setAt((now) => Math.max(-1, Math.min(options.length - 1, now + step)));
      }
    },
  };
}

function useSearchKeys(input: React.RefObject<HTMLInputElement | null>) {
  const focus = () => {
    input.current?.focus();
    input.current?.select();
  };
  useHotkeys([["mod+K", focus]], []);
  useHotkeys([["/", focus]]);
}
