import type { Place } from "../../../api/problem";
import { plural } from "../../../ui/format";
import { Panel } from "../../../ui/Page";
import classes from "../Pipelines.module.css";

interface ProblemsProps {
  problems: readonly Place[];
  /** The text is another one by now, and lines may have moved. */
  stale: boolean;
  onGo: (line: number) => void;
}

/** What is wrong in a document; each problem leads to its line. */
export function Problems({ problems, stale, onGo }: ProblemsProps) {
  const aside = plural(problems.length, "problem") + (stale ? ", before your last change" : "");
  return (
    <Panel title="What is wrong" aside={aside} flush>
      <ol className={classes["problems"]}>
        {problems.map(({ where, message, suggestion, line }) => (
          <li key={where + message}>
            {line !== null && (
              <button type="button" className={classes["line"]} onClick={() => onGo(line)}>
                Line {line}
              </button>
            )}
            <span>
              {where && <span className="mono">{where}: </span>}
              {message}
              {suggestion && (
                <>
                  {" "}
                  Did you mean <strong className="mono">{suggestion}</strong>?
                </>
              )}
            </span>
          </li>
        ))}
      </ol>
    </Panel>
  );
}
