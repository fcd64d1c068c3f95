import { Button, TextInput } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import classes from "../../Governance.module.css";
import { route } from "../route";
import type { AuditSearch } from "../search";

const FIELDS = [
  { key: "name", label: "On the name", placeholder: "/acme/nlp/~/wiki", type: "text" },
  { key: "principal", label: "By whom", placeholder: "anyone", type: "text" },
  { key: "action", label: "Action", placeholder: "read, grant, …", type: "text" },
  { key: "since", label: "Since", placeholder: "", type: "date" },
  { key: "until", label: "Before", placeholder: "", type: "date" },
] as const;

export function Filters() {
  const given = route.useSearch();
  const navigate = useNavigate({ from: "/governance/audit" });
  const [asked, setAsked] = useState<Omit<AuditSearch, "entry">>(given);
  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    void navigate({ search: { ...asked, entry: undefined } });
  };
  return (
    <form
      onSubmit={submit}
      className={classes["filters"]}
      style={{ marginBottom: 0 }}
      aria-label="Filters"
    >
      {FIELDS.map(({ key, label, placeholder, type }) => (
        <TextInput
          key={key}
          type={type}
          label={label}
          placeholder={placeholder}
          flex={key === "name" ? 1 : undefined}
          miw={key === "name" ? 200 : 130}
          value={asked[key] ?? ""}
          onChange={(event) => setAsked({ ...asked, [key]: event.currentTarget.value || undefined })}
        />
      ))}
      <Button type="submit" variant="default">
        Show
      </Button>
    </form>
  );
}
