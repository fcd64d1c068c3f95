import { Select, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { createLazyRoute, Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import type { Policy, PolicyKind } from "../../../api/types";
import { LoadingRows } from "../../../ui/Loading";
import { Failure } from "../../../ui/Notice";
import { PageTitle, Panel } from "../../../ui/Page";
import classes from "../Governance.module.css";
import { DraftForm } from "./components/DraftForm";
import { policyQuery, useCreateDraft } from "./queries";
import { KINDS } from "./search";
import { BEGINNINGS } from "./text";

export const route = createLazyRoute("/governance/policies/new")({ component: DraftPage });

function DraftPage() {
  const { from } = route.useSearch();
  return (
    <>
      <PageTitle>New draft</PageTitle>
      <p className={classes["lead"]}>
        <Link to="/governance/policies">All policies</Link>
      </p>
      {from ? <NextVersion from={from} /> : <NewPolicy />}
    </>
  );
}

function NewPolicy() {
  const { kind = "access" } = route.useSearch();
  const navigate = useNavigate({ from: "/governance/policies/new" });
  return (
    <Panel title="A new policy">
      <Select
        label="Kind"
        mb={14}
        w={240}
        allowDeselect={false}
        value={kind}
        data={[...KINDS]}
        onChange={(value) => void navigate({ search: { kind: value as PolicyKind } })}
        comboboxProps={{ withinPortal: false }}
      />
      <Writing key={kind} kind={kind} before={null} />
    </Panel>
  );
}

function NextVersion({ from }: { from: string }) {
  const policy = useQuery(policyQuery(from));
  if (policy.isPending) return <LoadingRows rows={8} height={28} />;
  if (policy.isError) {
    return <Failure error={policy.error} retry={() => void policy.refetch()} />;
  }
  return (
    <Panel title={`The next version of ${policy.data.slug}`}>
      <Writing kind={policy.data.kind} before={policy.data} />
    </Panel>
  );
}

function Writing({ kind, before }: { kind: PolicyKind; before: Policy | null }) {
  const create = useCreateDraft();
  const navigate = useNavigate();
  const [slug, setSlug] = useState(before?.slug ?? "");
  const named = kind === "access" && !before; // the other kinds name themselves in their text
  return (
    <>
      {named && (
        <TextInput
          label="Id"
          description="Small letters, digits and -"
          required
          withAsterisk={false}
          maxLength={64}
          mb={14}
          w={320}
          value={slug}
          onChange={(event) => setSlug(event.currentTarget.value)}
        />
      )}
      <DraftForm
        kind={kind}
        text={before?.text ?? BEGINNINGS[kind]}
        tests={before?.tests ?? []}
        saving={create}
        onSave={(text, tests) =>
          create.mutate(
            { kind, slug: kind === "access" ? slug : "", text, tests },
            {
              onSuccess: ({ id }) =>
                void navigate({ to: "/governance/policies/$policyId", params: { policyId: id } }),
            },
          )
        }
      />
    </>
  );
}
