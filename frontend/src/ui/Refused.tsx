import { Alert } from "@mantine/core";

import { asProblem } from "../api/problem";
import { Policies } from "./Notice";

/** What an act was refused for, in the platform's words and with every place that is wrong. */
export function Refused({ error }: { error: unknown }) {
  if (!error) return null;
  const problem = asProblem(error);
  return (
    <Alert color="red" variant="outline" role="alert" title={problem.title}>
      {problem.detail}
      {problem.places.length > 0 && (
        <ul style={{ margin: "6px 0 0", paddingLeft: 20 }}>
          {problem.places.map(({ where, message }) => (
            <li key={where + message}>
              {where && <span className="mono">{where}: </span>}
              {message}
            </li>
          ))}
        </ul>
      )}
      {problem.policies.length > 0 && (
        <div>
          Decided by <Policies ids={problem.policies} />
        </div>
      )}
    </Alert>
  );
}
