import type {
  AgentMessage, AgentState, ChatRecord, Choosing, Delta, Forked, MessageEdited, MessageRemoved, MessageReturned, MessageSteered,
  PermissionRaised, Task, ToolFinished, ToolPrinted, ToolStarted, TurnFinished, TurnStarted, UserMessage,
} from "./frames";
import { agentInfo, agentNotice } from "./agent";
import { chosen, confirmed, offersOf } from "./control";
import { blockKey, LiveBlocks } from "./live";
import { permissionKey, raisedEntry } from "./permission";
import { Printed } from "./printed";
import { Shelf } from "./shelf";
import { type Base, baseOf, NO_BASE, type Standing } from "./standing";
import {
  type AgentInfo, EMPTY_VIEW, type MessageEntry, type MessageState, NO_OFFERS, type Offers, type PermissionEntry, type RunningTurn, type ToolEntry, type View,
} from "./view";

const toolKey = (id: string): string => `tool:${id}`;
const messageKey = (id: string): string => `message:${id}`;

/**
 * Records and deltas in, a view out. It keeps the records, because older history may come later and is then played from
 * the beginning: the view depends on the records alone, never on when or how often they arrived.
 */
export class Transcript {
  private records: ChatRecord[] = [];
  private shelf = new Shelf();
  private readonly live = new LiveBlocks();
  private liveParents = new Set<string>();
  private pending = new Map<string, MessageEntry>();
  private open = new Set<string>();
  private busy = new Set<string>();
  private denied = new Set<string>();
  private asked = new Map<number, string>();
  private running: RunningTurn | null = null;
  private agent: AgentInfo | null = null;
  private lastError = "";
  private offers: Offers = NO_OFFERS;
  private choosing: Choosing = {};
  private tasks: readonly Task[] = [];
  private base: Base = NO_BASE;
  private readonly printed = new Printed();
  private printing = new Set<string>();
  private shown: View = EMPTY_VIEW;
  private stale = false;
  private liveStale = false;

  get firstSeq(): number {
    return this.records[0]?.seq ?? 0;
  }

  get lastSeq(): number {
    return this.records.at(-1)?.seq ?? 0;
  }

  knowsMessage(id: string): boolean {
    return this.pending.has(id) || this.shelf.has(messageKey(id));
  }

  /** Stored, and not with the agent: it can still be changed or taken back. */
  isWaiting(message: string): boolean {
    return this.pending.has(message);
  }

  isOpen(permission: string): boolean {
    return this.open.has(permission);
  }

  /** False when a record is missing before this one: the caller must attach again. A known record changes nothing. */
  record(record: ChatRecord): boolean {
    const last = this.lastSeq;
    if (last !== 0 && record.seq <= last) return true;
    if (last !== 0 && record.seq !== last + 1) return false;
    this.records.push(record);
    this.play(record);
    this.stale = true;
    return true;
  }

  delta(delta: Delta): void {
    if (this.shelf.has(blockKey(delta.id, delta.block))) return;
    if (this.live.apply(delta)) this.liveStale = true;
  }

  /** What a running tool prints; its end replaces it. */
  output(frame: ToolPrinted): void {
    if (this.busy.has(toolKey(frame.id)) && this.printed.take(frame)) this.printing.add(frame.id);
  }

  /** What holds now, told on attaching: the records that said it may be older than those that are loaded. */
  stand(standing: Standing, agent: string): void {
    this.base = baseOf(standing, agent);
    this.agent ??= this.base.agent;
    if (this.offers === NO_OFFERS) this.offers = this.base.offers;
    if (this.tasks.length === 0) this.tasks = this.base.tasks;
    this.stale = true;
  }

  /** Older records, oldest first. Those that do not end right before the first known one are refused. */
  prepend(older: readonly ChatRecord[]): void {
    const first = this.firstSeq;
    const fresh = first === 0 ? [...older] : older.filter((record) => record.seq < first);
    if (fresh.length === 0 || (first !== 0 && fresh.at(-1)?.seq !== first - 1)) return;
    const all = [...fresh, ...this.records];
    this.forget();
    this.records = all;
    for (const record of all) this.play(record);
    this.stale = true;
  }

  clear(): void {
    this.forget();
    this.live.clear();
    this.printed.clear();
    this.stale = true;
  }

  view(): View {
    this.hangOutput();
    if (this.liveStale) this.hangLive();
    else if (!this.stale) return this.shown;
    const tops = this.live.byParent().get("") ?? [];
    const entries = this.shelf.entries();
    this.shown = {
      firstSeq: this.firstSeq,
      lastSeq: this.lastSeq,
      entries: tops.length > 0 ? [...entries, ...tops] : entries,
      pending: this.pendingView(),
      open: [...this.open].map((id) => this.shelf.get(permissionKey(id)) as PermissionEntry),
      turn: this.running,
      agent: this.agent,
      offers: this.offers,
      choosing: this.choosing,
      tasks: this.tasks,
    };
    this.stale = false;
    return this.shown;
  }

  private forget(): void {
    this.records = [];
    this.shelf = new Shelf();
    this.pending = new Map();
    this.open = new Set();
    this.busy = new Set();
    this.denied = new Set();
    this.asked = new Map();
    this.running = null;
    this.lastError = "";
    this.choosing = {};
    ({ agent: this.agent, offers: this.offers, tasks: this.tasks } = this.base);
    this.liveStale = true;
  }

  private hangOutput(): void {
    for (const id of this.printing) {
      const tool = this.shelf.get(toolKey(id));
      if (tool?.type !== "tool" || tool.finishedAt !== "" || tool.state === "cut") continue;
      const { text, cut } = this.printed.get(id);
      this.shelf.set({ ...tool, output: text, cutOutput: cut });
      this.stale = true;
    }
    this.printing.clear();
  }

  private hangLive(): void {
    const groups = this.live.byParent();
    for (const parent of this.liveParents) if (!groups.has(parent)) this.shelf.setTail(toolKey(parent), []);
    this.liveParents = new Set();
    for (const [parent, blocks] of groups) {
      if (parent === "" || !this.shelf.has(toolKey(parent))) continue;
      this.shelf.setTail(toolKey(parent), blocks);
      this.liveParents.add(parent);
    }
    this.liveStale = false;
    this.stale = true;
  }

  private pendingView(): readonly MessageEntry[] {
    const state: MessageState = this.running ? "queued" : "stored";
    return [...this.pending.values()].map((message) => ({ ...message, state }));
  }

  private play(record: ChatRecord): void {
    switch (record.type) {
      case "user_message":
        return this.said(record);
      case "turn_started":
        return this.turnStarted(record);
      case "message_seen":
        return this.place(record.id, "seen");
      case "agent_message":
        return this.block(record);
      case "tool_started":
        return this.toolStarted(record);
      case "tool_finished":
        return this.toolFinished(record);
      case "permission_raised":
        return this.raised(record);
      case "permission_decided":
        return this.permission(record.id, {
          state: "decided",
          decision: record.decision,
          scope: record.scope,
          message: record.message,
          by: record.by,
          edited: record.input,
          decidedAt: record.at,
        });
      case "permission_delivered":
        return this.permission(record.id, { state: "delivered" });
      case "permission_closed":
        return this.permission(record.id, { state: "closed", closed: record.reason });
      case "interrupt_requested":
        if (this.running) this.running = { ...this.running, interruptBy: record.by };
        return;
      case "turn_finished":
        return this.turnFinished(record);
      case "agent_state":
        return this.agentState(record);
      case "message_edited":
      case "message_removed":
      case "message_steered":
      case "message_returned":
        return this.changed(record);
      case "agent_offers":
        this.offers = offersOf(record);
        return;
      case "chosen":
        this.choosing = chosen(this.choosing, record);
        return;
      case "plan_changed":
        this.tasks = record.tasks;
        return;
      case "forked":
        return this.forked(record);
      case "notice": {
        const { seq, at, level, text, detail } = record;
        return this.shelf.add({ type: "notice", key: `notice:${seq}`, at, level, text, detail, hint: "" }, null);
      }
    }
  }

  private said(record: UserMessage): void {
    const { id, at, text, by, attachments = [] } = record;
    if (this.knowsMessage(id)) return;
    const rest = { state: "stored", error: "", attachments, edited: false, way: "" } as const;
    this.pending.set(id, { type: "message", key: messageKey(id), at, id, text, by, ...rest });
  }

  private changed(record: MessageEdited | MessageRemoved | MessageSteered | MessageReturned): void {
    const { id } = record;
    const waiting = this.pending.get(id);
    if (record.type === "message_returned") return this.returned(id);
    if (!waiting) return;
    if (record.type === "message_edited") this.pending.set(id, { ...waiting, text: record.text, edited: true });
    else if (record.type === "message_removed") this.pending.delete(id);
    else {
      this.pending.set(id, { ...waiting, way: "steered" });
      this.place(id, "given");
    }
  }

  /** The agent could not take it in the middle of its turn: it waits again, before all that was said later. */
  private returned(id: string): void {
    const placed = this.shelf.get(messageKey(id));
    if (placed?.type !== "message") return;
    this.shelf.remove(placed.key);
    this.pending = new Map([[id, { ...placed, way: "returned" }], ...this.pending]);
  }

  private forked({ seq, at, name, session }: Forked): void {
    this.pending.clear();
    for (const id of [...this.open]) this.permission(id, { state: "closed", closed: "the session was forked" });
    for (const key of this.busy) this.cut(key);
    this.busy = new Set();
    this.running = null;
    const text = `Forked from ${name || session}; what stands above was said there`;
    this.shelf.add({ type: "notice", key: `notice:${seq}`, at, level: "info", text, detail: "", hint: "" }, null);
  }

  /** Handed to the agent: from now on the message has its place among what the agent says. */
  private place(id: string, state: "given" | "seen"): void {
    const waiting = this.pending.get(id);
    if (waiting) {
      this.pending.delete(id);
      this.shelf.add({ ...waiting, state }, null);
      return;
    }
    const placed = this.shelf.get(messageKey(id));
    if (placed?.type === "message" && placed.state !== "seen") this.shelf.set({ ...placed, state });
  }

  private turnStarted(record: TurnStarted): void {
    this.lastError = "";
    this.running = { turn: record.turn, startedAt: record.at, interruptBy: null };
    for (const id of record.messages) this.place(id, "given");
    const words = record.messages.map((id) => this.shelf.get(messageKey(id)));
    const texts = words.flatMap((entry) => (entry?.type === "message" ? [entry.text] : []));
    this.asked.set(record.turn, texts.join("\n\n"));
  }

  private block(record: AgentMessage): void {
    const { id, block, kind, text, at } = record;
    const key = blockKey(id, block);
    if (this.live.drop(key)) this.liveStale = true;
    if (this.shelf.has(key)) return;
    const parent = record.parent === null ? null : toolKey(record.parent);
    this.shelf.add({ type: "block", key, at, id, block, kind, text, streaming: false }, parent);
  }

  private toolStarted(record: ToolStarted): void {
    const { id, at, name, title, kind, input } = record;
    const key = toolKey(id);
    if (this.shelf.has(key)) return;
    const parent = record.parent === null ? null : toolKey(record.parent);
    const rest = { state: "running" as const, output: "", cutOutput: false, detail: null, finishedAt: "", children: [] };
    this.shelf.add({ type: "tool", key, at, id, name, title, kind, input, ...rest }, parent);
    this.busy.add(key);
  }

  private toolFinished(record: ToolFinished): void {
    const entry = this.shelf.get(toolKey(record.id));
    if (entry?.type !== "tool") return;
    const { ok, output, detail, at } = record;
    this.busy.delete(entry.key);
    this.printed.drop(record.id);
    const state = ok ? "ok" : this.denied.has(record.id) ? "denied" : "failed";
    this.shelf.set({ ...entry, state, output, cutOutput: false, detail, finishedAt: at });
  }

  private raised(record: PermissionRaised): void {
    if (this.shelf.has(permissionKey(record.id))) return;
    const asker = record.parent === null ? undefined : this.shelf.get(toolKey(record.parent));
    // Always at the top level: a question of a sub-agent must not hide inside a folded call.
    this.shelf.add(raisedEntry(record, asker), null);
    this.open.add(record.id);
    this.turnTool(record.tool_id, "running", "waiting");
  }

  private permission(id: string, change: Partial<PermissionEntry>): void {
    const entry = this.shelf.get(permissionKey(id));
    if (entry?.type !== "permission") return;
    this.open.delete(id);
    this.turnTool(entry.toolId, "waiting", "running");
    if (change.decision === "deny" && entry.toolId !== null) this.denied.add(entry.toolId);
    this.shelf.set({ ...entry, ...change });
  }

  private turnFinished(record: TurnFinished): void {
    const { turn, status, error, hint, usage, at } = record;
    const interruptedBy = this.running?.interruptBy ?? "";
    this.running = null;
    if (this.live.clear()) this.liveStale = true;
    for (const key of this.busy) this.cut(key);
    this.busy = new Set();
    this.printed.clear();
    const entry = { key: `turn:${turn}:${record.seq}`, at, turn, status, error, hint, usage, interruptedBy };
    const asked = this.asked.get(turn) ?? "";
    this.lastError = error;
    this.shelf.add({ type: "turn", ...entry, durationMs: record.duration_ms, asked }, null);
  }

  private turnTool(id: string | null, from: ToolEntry["state"], to: ToolEntry["state"]): void {
    const tool = id === null ? undefined : this.shelf.get(toolKey(id));
    if (tool?.type === "tool" && tool.state === from) this.shelf.set({ ...tool, state: to });
  }

  private cut(key: string): void {
    const tool = this.shelf.get(key);
    if (tool?.type === "tool") this.shelf.set({ ...tool, state: "cut" });
  }

  private agentState(record: AgentState): void {
    const notice = agentNotice(record, this.agent);
    this.choosing = confirmed(this.choosing, record, this.agent, this.offers);
    this.agent = agentInfo(record, this.agent);
    // The turn that ended with it has said the same already.
    if (notice && (record.error === "" || record.error !== this.lastError)) this.shelf.add(notice, null);
  }
}
