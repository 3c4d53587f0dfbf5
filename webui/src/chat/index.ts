export { Chat, type ChatProps } from "./Chat";
export type { ChatPort } from "./core/port";
export { httpChat } from "./http";
export { mockChat } from "./mock";
export type { ChatSession } from "./session";
