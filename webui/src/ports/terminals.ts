export interface TerminalInfo {
  id: string;
  title: string;
  command: string;
  columns: number;
  rows: number;
  viewers: number;
  alive: boolean;
  created_at: string;
}

export interface Size {
  columns: number;
  rows: number;
}

export interface WireEvents {
  open(): void;
  message(bytes: Uint8Array<ArrayBuffer>): void;
  /** Once, whatever happened; also when the connection was never made. */
  close(code: number, reason: string): void;
}

/** One connection to a terminal. */
export interface Wire {
  send(bytes: Uint8Array<ArrayBuffer>): void;
  /** How many bytes wait to be sent. */
  waiting(): number;
  close(): void;
}

/** The terminals of a running session. `list`, `create` and `end` reject with a Problem. */
export interface TerminalsPort {
  list(session: string): Promise<readonly TerminalInfo[]>;
  create(session: string, title: string, size: Size): Promise<TerminalInfo>;
  end(session: string, id: string): Promise<void>;
  connect(session: string, id: string, view: boolean, events: WireEvents): Wire;
}
