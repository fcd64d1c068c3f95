/** One place where a document or a request is wrong. */
export interface Place {
  /** A path, such as `steps[2].tokenise.colum`; empty for the whole. */
  where: string;
  message: string;
  /** What was probably meant. */
  suggestion: string;
  /** Of the text, counted from 1; null where it is not known. */
  line: number | null;
}

/** A refusal or failure as the platform tells it (RFC 9457), with the id to quote. */
export class ApiProblem extends Error {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly code: string;
  readonly requestId: string;
  /** The further members of the document: policies, errors, … */
  readonly extra: Record<string, unknown>;

  constructor(status: number, body: Record<string, unknown>, requestId: string) {
    const { type: _type, title, detail, code, status: _status, ...extra } = body;
    super(text(detail) || text(title) || `HTTP ${status}`);
    this.name = "ApiProblem";
    this.status = status;
    this.title = text(title) || "Something failed";
    this.detail = text(detail);
    this.code = text(code) || "unknown";
    this.requestId = requestId;
    this.extra = extra;
  }

  get unreachable(): boolean {
    return this.status === 0;
  }

  get needsSignIn(): boolean {
    return this.status === 401;
  }

  get denied(): boolean {
    return this.status === 403;
  }

  get policies(): string[] {
    const found = this.extra["policies"];
    return Array.isArray(found) ? found.map(String) : [];
  }

  /** The product that one was refused and may ask access to; null where nothing can be asked. */
  get mayAskFor(): string | null {
    const name = text(this.extra["name"]);
    return this.denied && this.extra["request_access"] && name ? name : null;
  }

  /** Where a document or a request is wrong, and how. */
  get places(): Place[] {
    const found = this.extra["errors"];
    return Array.isArray(found) ? found.map(placeOf) : [];
  }
}

export function unreachable(): ApiProblem {
  const detail = "The platform does not answer. The page tries again by itself.";
  return new ApiProblem(0, { title: "No connection", detail, code: "unreachable" }, "");
}

export function asProblem(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error;
  const detail = error instanceof Error ? error.message : String(error);
  return new ApiProblem(500, { title: "The page failed", detail, code: "portal" }, "");
}

function placeOf(one: unknown): Place {
  const told = typeof one === "object" ? { ...one } : { message: String(one) };
  const { where, message, suggestion, line }: Record<string, unknown> = told;
  return {
    where: text(where),
    message: text(message),
    suggestion: text(suggestion),
    line: typeof line === "number" ? line : null,
  };
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
