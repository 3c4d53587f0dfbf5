import { Problem } from "../api/problem";
import { problemOf } from "./problem";

export { Problem } from "../api/problem";

const LIMIT_MS = 30_000;

/** One request to the forge. Rejects with a Problem, whatever went wrong; nothing hangs longer than `limit`. */
export async function request<T>(method: string, path: string, body?: unknown, limit = LIMIT_MS): Promise<T> {
  const init: RequestInit = {
    method,
    headers: { accept: "application/json", ...(body === undefined ? {} : { "content-type": "application/json" }) },
    credentials: "same-origin",
    signal: AbortSignal.timeout(limit),
  };
  if (body !== undefined) init.body = JSON.stringify(body);
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch {
    throw init.signal?.aborted ? tooSlow(limit) : unreachable();
  }
  if (!response.ok) throw await problemOf(response);
  if (response.status === 204 || response.headers.get("content-length") === "0") return undefined as T;
  try {
    return (await response.json()) as T;
  } catch {
    throw new Problem(response.status, "Unreadable answer", "The forge's answer was cut off or is not JSON.");
  }
}

function tooSlow(limit: number): Problem {
  return new Problem(0, "No answer", `The forge did not answer within ${Math.round(limit / 1000)} seconds.`);
}

function unreachable(): Problem {
  return new Problem(0, "No connection", "The forge cannot be reached.", "Is it running? `volundr status` tells, `volundr up` starts it.");
}
