/** The smallest document that does something: what a new pipeline begins with. */
export const EXAMPLE = `version: 1
inputs: [{name: /acme/nlp/~/raw}]
steps:
  - filter: {where: [{column: text, min_chars: 50}]}
output: {name: /acme/nlp/~/clean}
`;

/** What a document is written from. */
export interface Beginning {
  /** Under which the browser keeps what is not saved: of one person, from one beginning. */
  key: string;
  name: string;
  text: string;
}

export const keyOf = (username: string, from: string | undefined): string =>
  `fairmesh draft ${username} ${from ?? "new"}`;
