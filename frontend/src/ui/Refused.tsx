import { Alert } from "@mantine/core";

import { asProblem } from "../api/problem";
import { AskForAccess } from "./AskForAccess";
import { Policies } from "./Notice";

/** What an act was refused for, in the platform's words: every place that is wrong, and the way on. */
export function Refused({ error }: { error: unknown }) {
  if (!error) return null;
  const problem = asProblem(error);
  return (
    <Alert color="red" variant="outline" role="alert" title={problem.title}>
      {problem.detail}
      {problem.places.length > 0 && (
        <ul style={{ margin: "6px 0 0", paddingLeft: 20 }}>
          {problem.places.map(({ where, message, suggestion }) => (
            <li key={where + message}>
              {where && <span className="mono">{where}: </span>}
              {message}
              {suggestion && ` Did you mean “${suggestion}”?`}
            </li>
          ))}
        </ul>
      )}
      {problem.policies.length > 0 && (
        <div>
          Decided by <Policies ids={problem.policies} />
        </div>
      )}
      {problem.mayAskFor && (
        <div>
          <AskForAccess problem={problem} />
        </div>
      )}
    </Alert>
  );
}
