import { useInfiniteQuery } from "@tanstack/react-query";
import { createLazyRoute } from "@tanstack/react-router";

import type { Allowed } from "../../../api/types";
import { Empty, Policies } from "../../../ui/Notice";
import { PageTitle, TableFrame } from "../../../ui/Page";
import { List } from "../../../ui/List";
import classes from "../Governance.module.css";
import { Answer } from "./components/Answer";
import { QuestionForm } from "./components/QuestionForm";
import { type Question, whoQuery } from "./queries";
import { ACTIONS } from "./search";

export const route = createLazyRoute("/governance/who")({ component: WhoPage });

function WhoPage() {
  const { name, action = "read", person, purpose } = route.useSearch();
  return (
    <>
      <PageTitle>Who and why</PageTitle>
      <QuestionForm key={`${name} ${action} ${person} ${purpose}`} />
      {!name && (
        <Empty title="Ask about a product">
          The answer names every policy on the action, and the part of each that fails first.
        </Empty>
      )}
      {name && <Answers question={{ name, action, person, purpose }} />}
    </>
  );
}

interface Given extends Omit<Question, "person" | "purpose"> {
  person: string | undefined;
  purpose: string | undefined;
}

function Answers({ question }: { question: Given }) {
  const { name, action, person, purpose } = question;
  const asked = { name, action, ...(person && { person }), ...(purpose && { purpose }) };
  return (
    <div className={classes["stack"]}>
      <Answer question={asked} />
      <Who question={asked} />
    </div>
  );
}

function Who({ question }: { question: Question }) {
  const query = useInfiniteQuery(whoQuery(question));
  const title = `Who may: ${ACTIONS[question.action].toLowerCase()}`;
  return (
    <List title={title} what="principals" query={query} empty="Nobody may.">
      {(rows) => <Table rows={rows} />}
    </List>
  );
}

function Table({ rows }: { rows: Allowed[] }) {
  return (
    <TableFrame label="Who may">
      <table>
        <thead>
          <tr>
            <th scope="col">Who</th>
            <th scope="col">Kind</th>
            <th scope="col">By the policies</th>
            <th scope="col">Reason</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.username}>
              <td>{row.username}</td>
              <td>{row.kind}</td>
              <td>
                <Policies ids={row.policies} />
              </td>
              <td>{row.reason}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableFrame>
  );
}
