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

  /** Where a document or a request is wrong, and how. */
  get places(): { where: string; message: string }[] {
    const found = this.extra["errors"];
    if (!Array.isArray(found)) return [];
    return found.map((one: unknown) => {
      if (typeof one !== "object" || one === null) return { where: "", message: String(one) };
      const told = one as Record<string, unknown>;
      return { where: text(told["where"]), message: text(told["message"]) };
    });
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

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
