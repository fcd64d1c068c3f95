import type { PipelinePlan } from "../../api/types";

export interface ColumnShown {
  name: string;
  type: string;
  /** How it stands to the schema before: what came anew, changed its type, or is gone. */
  change: "" | "new" | "changed" | "gone";
}

export interface SchemaShown {
  step: string;
  columns: ColumnShown[];
  same: boolean;
}

/** The schemas through the steps, each against the one before it; the first is the input's. */
export function schemasShown(schemas: PipelinePlan["schemas"]): SchemaShown[] {
  return schemas.map(({ step, columns }, position) => {
    const earlier = schemas[position - 1]?.columns ?? columns;
    const before = new Map(earlier.map((column) => [column.name, column.type]));
    const after = new Set(columns.map((column) => column.name));
    const gone = earlier.filter((column) => !after.has(column.name));
    const shown: ColumnShown[] = [
      ...columns.map((column) => ({ ...column, change: changeOf(column, before) })),
      ...gone.map((column) => ({ ...column, change: "gone" as const })),
    ];
    return { step, columns: shown, same: shown.every(({ change }) => change === "") };
  });
}

function changeOf(
  column: { name: string; type: string },
  before: Map<string, string>,
): ColumnShown["change"] {
  const type = before.get(column.name);
  if (type === undefined) return "new";
  return type === column.type ? "" : "changed";
}

/** Arrow's words for a type without what says nothing: `list<int32>`. */
export const typeText = (type: string): string =>
  type.replaceAll("item: ", "").replaceAll("element: ", "").replaceAll(" not null", "");
