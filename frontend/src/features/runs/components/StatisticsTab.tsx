import type { RunDetail, RunStatistics } from "../../../api/types";
import { type Figure, Figures } from "../../../ui/Figures";
import { count, plural } from "../../../ui/format";
import { Empty } from "../../../ui/Notice";
import { Panel } from "../../../ui/Page";
import page from "../../../ui/Page.module.css";
import { priceText, secondsText, shareText } from "../told";
import { NotYet } from "./Accounts";
import { Bars } from "./Bars";

/** What can be said of the data that a run made; what no step of it tells is left out. */
export function StatisticsTab({ run }: { run: RunDetail }) {
  const told = run.statistics;
  if (!told) return <NotYet run={run} />;
  const silent = told.lengths.length === 0 && told.languages.length === 0;
  return (
    <div className={page["stack"]}>
      <Panel title="Figures" flush>
        <Figures figures={figuresOf(told)} />
      </Panel>
      {told.lengths.length > 0 && <Lengths told={told} />}
      {told.languages.length > 0 && <Languages told={told} />}
      {silent && (
        <Empty title="No picture of lengths or languages">
          A pipeline with a step that tokenises tells the lengths of its documents, one with a step
          that tells languages theirs.
        </Empty>
      )}
    </div>
  );
}

function figuresOf(told: RunStatistics): Figure[] {
  const { tokens, duplicates, pack_fill: fill, cost, cost_per_million_tokens: price } = told;
  return [
    ...(tokens === null ? [] : [["Tokens", count(tokens)] as Figure]),
    ...(duplicates === null ? [] : [["Duplicates", shareText(duplicates)] as Figure]),
    ...(fill === null ? [] : [["Packed rows filled", shareText(fill)] as Figure]),
    ["Core time", secondsText(told.core_seconds)],
    ...(cost === null ? [] : [["Cost", priceText(cost)] as Figure]),
    ...(price === null ? [] : [["Cost a million tokens", priceText(price)] as Figure]),
  ];
}

/** Documents by length: each row has those above the row before it. */
function Lengths({ told: { lengths } }: { told: RunStatistics }) {
  const total = lengths.reduce((sum, each) => sum + each.documents, 0);
  return (
    <Bars
      title="Lengths of documents"
      aside={plural(total, "document")}
      heads={["Tokens", "Documents"]}
      total={total}
      bars={lengths.map(({ upto, documents }) => ({
        name: upto > 1 ? `${count(upto / 2 + 1)} to ${count(upto)}` : "at most 1",
        value: documents,
        text: count(documents),
      }))}
    />
  );
}

function Languages({ told: { languages } }: { told: RunStatistics }) {
  const total = languages.reduce((sum, each) => sum + each.documents, 0);
  return (
    <Bars
      title="Languages"
      aside={plural(total, "document")}
      heads={["Language", "Documents"]}
      total={total}
      bars={languages.map(({ language, documents }) => ({
        name: nameOf(language),
        value: documents,
        text: count(documents),
      }))}
    />
  );
}

const names = new Intl.DisplayNames("en", { type: "language", fallback: "none" });

/** "Portuguese (pt)"; a code that the browser does not know stands alone. */
function nameOf(code: string): string {
  try {
    const name = names.of(code);
    return name ? `${name} (${code})` : code;
  } catch (error) {
    if (error instanceof RangeError) return code; // it is no code of a language, as "unknown"
    throw error;
  }
}
