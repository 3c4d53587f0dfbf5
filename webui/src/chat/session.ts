/** What the chat needs to know of its session; the forge's own session fits. */
export interface ChatSession {
  id: string;
  name: string;
  status: "created" | "starting" | "provisioning" | "running" | "stopping" | "stopped" | "failed" | "archived";
  step: string;
  error: string;
  hint: string;
  agent: string;
  model: string;
}

/** Whether something can be said, and what saying it means. */
export type Mouth =
  | { open: true; starts: boolean; placeholder: string }
  | { open: false; why: string };

export function mouth(session: ChatSession, canStart: boolean): Mouth {
  switch (session.status) {
    case "running":
      return { open: true, starts: false, placeholder: "Say what to do" };
    case "starting":
    case "provisioning":
      return { open: true, starts: false, placeholder: "Say what to do; it is sent as soon as the session runs" };
    case "created":
    case "stopped":
    case "failed":
      return canStart
        ? { open: true, starts: true, placeholder: "Say what to do next; sending starts the session" }
        : { open: false, why: "The session does not run. Start it to go on." };
    case "stopping":
      return { open: false, why: "The session is stopping. Wait a moment, then start it again." };
    case "archived":
      return { open: false, why: "The session is archived. Restore it to go on." };
  }
}
