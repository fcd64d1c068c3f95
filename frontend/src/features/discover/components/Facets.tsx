import { Link } from "@tanstack/react-router";

import type { FacetValue, SearchPage } from "../../../api/types";
import { CloseIcon } from "../../../ui/icons";
import { count } from "../../../ui/format";
import classes from "../Discover.module.css";
import type { DiscoverSearch } from "../search";

type FacetKey = "domain" | "license" | "format";

const FACETS: { key: FacetKey; title: string }[] = [
  { key: "domain", title: "Domain" },
  { key: "format", title: "Format" },
  { key: "license", title: "Licence" },
];
const SHOWN = 8;

interface FacetsProps {
  search: DiscoverSearch;
  facets: SearchPage["facets"] | undefined;
}

export function Facets({ search, facets }: FacetsProps) {
  return FACETS.map(({ key, title }) => (
    <Facet key={key} facet={key} title={title} search={search} values={facets?.[key] ?? []} />
  ));
}

interface FacetProps {
  facet: FacetKey;
  title: string;
  search: DiscoverSearch;
  values: FacetValue[];
}

function Facet({ facet, title, search, values }: FacetProps) {
  const chosen = search[facet];
  if (!chosen && values.length === 0) return null;
  return (
    <div className={classes["facet"]}>
      <h2>{title}</h2>
      <ul>
        {chosen && (
          <li>
            <Link
              to="/"
              search={{ ...search, [facet]: undefined }}
              className={classes["chosen"]}
              aria-label={`${title}: any, not only ${chosen}`}
            >
              <span>{chosen}</span>
              <CloseIcon />
            </Link>
          </li>
        )}
        {values
          .filter(({ value }) => value !== chosen)
          .slice(0, SHOWN)
          .map(({ value, count: many }) => (
            <li key={value}>
              <Link to="/" search={{ ...search, [facet]: value }}>
                <span>{value}</span>
                <span className="nums">{count(many)}</span>
              </Link>
            </li>
          ))}
      </ul>
    </div>
  );
}
