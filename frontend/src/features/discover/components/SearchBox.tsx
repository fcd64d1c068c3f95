import { Autocomplete, Kbd } from "@mantine/core";
import { useDebouncedValue, useHotkeys } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useRef, useState } from "react";

import { SearchIcon } from "../../../ui/icons";
import { suggestQuery } from "../queries";
import type { DiscoverSearch } from "../search";

interface SearchBoxProps {
  size: "sm" | "lg";
  /** What the address says now; what is typed replaces its words and keeps its filters. */
  search?: DiscoverSearch;
}

/** The one search box. ⌘K, Ctrl+K and / bring one here from anywhere. */
export function SearchBox({ size, search = {} }: SearchBoxProps) {
  const input = useRef<HTMLInputElement>(null);
  const navigate = useNavigate();
  const [typed, setTyped] = useState(search.q ?? "");
  const [known, setKnown] = useState(search.q);
  if (known !== search.q) {
    setKnown(search.q); // the address changed, by a link or by going back
    setTyped(search.q ?? "");
  }
  const [settled] = useDebouncedValue(typed, 120);
  const asked = settled === (search.q ?? "") ? "" : settled;
  const suggestions = useQuery(suggestQuery(asked)).data?.suggestions ?? [];

  const focus = () => {
    input.current?.focus();
    input.current?.select();
  };
  useHotkeys([["mod+K", focus, { preventDefault: true }]], []);
  useHotkeys([["/", focus]]);

  const go = (q: string) => void navigate({ to: "/", search: { ...search, q: q || undefined } });

  return (
    <form
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        go(typed);
      }}
    >
      <Autocomplete
        ref={input}
        size={size === "lg" ? "md" : "sm"}
        type="search"
        aria-label="Search data products"
        placeholder="Search data products"
        leftSection={<SearchIcon />}
        rightSection={<Kbd size="xs">/</Kbd>}
        rightSectionPointerEvents="none"
        data={asked ? [...new Set(suggestions)] : []}
        filter={({ options }) => options}
        value={typed}
        onChange={setTyped}
        onOptionSubmit={go}
        comboboxProps={{ withinPortal: false }}
        maxLength={500}
      />
    </form>
  );
}
