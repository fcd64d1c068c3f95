/** Text that YAML reads as itself without quotes, whatever its version; all else is quoted. */
const PLAIN = /^[A-Za-z_/][\w/~.-]*( [\w/~.-]+)*$/;
const WORDS = /^(y|n|yes|no|on|off|true|false|null)$/i;

type Members = Record<string, unknown>;

/** A JSON value as YAML: members line by line, lists of plain values on one line. */
export function yamlText(document: Members): string {
  return `${membersOf(document).join("\n")}\n`;
}

function membersOf(members: Members): string[] {
  return Object.entries(members).flatMap(([name, value]) => {
    const head = `${scalar(name)}:`;
    if (isFlat(value)) return [`${head} ${flat(value)}`];
    return [head, ...blockOf(value).map((line) => `  ${line}`)];
  });
}

function blockOf(value: unknown): string[] {
  if (!Array.isArray(value)) return membersOf(value as Members);
  return value.flatMap((item: unknown) => {
    const [first = "", ...rest] = isFlat(item) ? [flat(item)] : blockOf(item);
    return [`- ${first}`, ...rest.map((line) => `  ${line}`)];
  });
}

/** Whether a value stands on one line: a scalar, a list of scalars, or what is empty. */
function isFlat(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (Array.isArray(value)) return value.every((item) => typeof item !== "object" || item === null);
  return Object.keys(value).length === 0;
}

function flat(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(scalar).join(", ")}]`;
  return typeof value === "object" && value !== null ? "{}" : scalar(value);
}

/** A string in JSON's quotes is one in YAML's, too. */
function scalar(value: unknown): string {
  const plain = typeof value === "string" && PLAIN.test(value) && !WORDS.test(value);
  return plain ? value : JSON.stringify(value);
}
