/** What went wrong, in words for the person: what happened (`detail`), and the way out (`hint`). `status` 0: no answer at all. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    readonly hint = "",
    readonly fields: Readonly<Record<string, string>> = {},
  ) {
    super(detail || title);
    this.name = "Problem";
  }
}

/** Any error as a Problem, so that whoever shows it has one thing to show. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  return new Problem(0, "Unexpected error", error instanceof Error ? error.message : String(error));
}
