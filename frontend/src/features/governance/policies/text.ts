import type { PolicyKind } from "../../../api/types";

/** What a draft begins with: the smallest document of its kind that says something. */
export const BEGINNINGS: Record<PolicyKind, string> = {
  access: `@id("nlp-reads-nlp")
@reason("The team nlp reads what lies below /acme/nlp.")
permit (
  principal in Team::"nlp",
  action == Action::"read",
  resource in Domain::"/acme/nlp"
);
`,
  protection: `kind: protection
id: two-copies
scope: {prefix: /acme}
spec:
  copies: 2
  min_sites: 2
`,
  naming: `kind: naming
id: licensed
scope: {prefix: /acme}
spec:
  metadata:
    license: true
`,
  services: `kind: services
id: requests-in-two-days
scope: {prefix: /acme}
spec:
  requests:
    max_days: 90
`,
};

type Tests = Record<string, unknown>[];

/** The tests that a field holds; a message when they are no list. */
export function readTests(text: string): Tests | string {
  if (!text.trim()) return [];
  try {
    const found: unknown = JSON.parse(text);
    return Array.isArray(found) ? (found as Tests) : "The tests are a list: [ … ].";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** One test a line, each in braces of its own. */
export function writeTests(tests: Tests): string {
  if (tests.length === 0) return "[]";
  return `[\n${tests.map((one) => `  ${JSON.stringify(one)}`).join(",\n")}\n]`;
}
