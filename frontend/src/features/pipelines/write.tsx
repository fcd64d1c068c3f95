import { NativeSelect } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { createLazyRoute, Link, useNavigate } from "@tanstack/react-router";

import { useMe, useSignedIn } from "../../api/session";
import type { Pipeline } from "../../api/types";
import { Asked } from "../../ui/Asked";
import page from "../../ui/Page.module.css";
import { Sheet } from "../../ui/Sheet";
import { Writing } from "./components/Writing";
import { EXAMPLE, keyOf } from "./draft";
import { begunQuery, pipelinesQuery } from "./queries";
import { yamlText } from "./yaml";

export const route = createLazyRoute("/pipelines/new")({ component: WritePage });

/** A document is written here, and tried as often as one likes before it is saved. */
function WritePage() {
  const { from } = route.useSearch();
  const signedIn = useSignedIn();
  const begun = useQuery({ ...begunQuery(from ?? ""), enabled: signedIn && from !== undefined });
  const title = from && begun.data ? `Next revision of ${begun.data.name}` : "Write a pipeline";
  return (
    <Sheet title={title} trail={<Link to="/pipelines">All pipelines</Link>}>
      <BeginWith begun={begun.data} />
      {from ? (
        <Asked query={begun}>{(found) => <From key={from} pipeline={found} />}</Asked>
      ) : (
        <From key="new" pipeline={null} />
      )}
    </Sheet>
  );
}

function From({ pipeline }: { pipeline: Pipeline | null }) {
  const key = keyOf(useMe()?.username ?? "", pipeline?.id);
  const beginning = pipeline
    ? { key, name: pipeline.name, text: yamlText(pipeline.spec) }
    : { key, name: "", text: EXAMPLE };
  return <Writing beginning={beginning} />;
}

/** The newest pipelines, and the one that was chosen wherever it stands among them. */
function BeginWith({ begun }: { begun: Pipeline | undefined }) {
  const { from } = route.useSearch();
  const navigate = useNavigate({ from: "/pipelines/new" });
  const listed = useInfiniteQuery(pipelinesQuery("")).data?.pages[0]?.results ?? [];
  const known: Pipeline[] = begun && !listed.some(({ id }) => id === begun.id) ? [begun] : [];
  return (
    <div className={page["ask"]}>
      <NativeSelect
        label="Begin with"
        description="What you write is kept for each beginning apart."
        maw="100%"
        data={[
          { value: "", label: "a small example" },
          ...[...known, ...listed].map(({ id, name, revision }) => ({
            value: id,
            label: `${name}, revision ${revision}`,
          })),
        ]}
        value={from ?? ""}
        onChange={({ currentTarget: { value } }) =>
          void navigate({ search: (before) => ({ ...before, from: value || undefined }) })
        }
      />
    </div>
  );
}
