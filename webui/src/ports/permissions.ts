/** Something that an agent waits to be allowed, as the forge lists it over all sessions. */
export interface Pending {
  session_id: string;
  session_name: string;
  id: string;
  tool: string;
  title: string;
  reason: string;
  /** Long texts are shortened; the session's own page has them whole. */
  input: Readonly<Record<string, unknown>>;
  scopes: readonly string[];
  rules: readonly { tool: string; subject: string }[];
  raised_at: string;
}

export interface Verdict {
  decision: "allow" | "deny";
  scope: "once" | "session" | "always";
  message: string;
}

/** What waits for a person, and the answers, without a socket to each session. Every method rejects with a Problem. */
export interface PermissionsPort {
  /** Oldest first. Rejects with a Problem of status 404 where the forge has no such list. */
  pending(): Promise<readonly Pending[]>;
  /** Resolves when the answer is stored. The first answer wins: 409 says why this one does not count. */
  decide(session: string, id: string, verdict: Verdict): Promise<void>;
}
