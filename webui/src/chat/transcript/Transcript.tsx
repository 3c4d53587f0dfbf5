import { type ReactNode, useEffect, useMemo, useRef } from "react";
import { useChat } from "../context";
import type { MessageEntry } from "../core/view";
import { fold, keepSame, type Row } from "../tools/fold";
import { useChatState } from "../useChatState";
import { Chunk } from "./Chunk";
import { type ChunkRows, chunks } from "./chunks";
import { Loading } from "./Loading";
import { NewPill } from "./NewPill";
import { OlderHistory } from "./OlderHistory";
import { Spoken } from "./Spoken";
import styles from "./Transcript.module.css";
import { useFollow } from "./useFollow";
import { useNear } from "./useNear";
import { UserWords } from "./UserWords";

/** The last parcels are always drawn: there is where things happen. */
const ALWAYS = 2;

/** The conversation as a document. */
export function Transcript({ empty }: { empty: ReactNode }): ReactNode {
  const entries = useChatState((state) => state.view.entries);
  const loaded = useChatState((state) => state.loaded);
  const { scroller, content, following, toEnd } = useFollow();
  const near = useNear(scroller);
  const { rows, parcels } = useRows(entries);
  const waiting = useWaiting();
  const sent = waiting.length;
  const sentBefore = useRef(sent);
  useEffect(() => {
    if (sent > sentBefore.current) toEnd();
    sentBefore.current = sent;
  }, [sent, toEnd]);
  const nothing = rows.length === 0 && waiting.length === 0;
  return (
    <div className={styles.frame}>
      <div ref={scroller} className={styles.scroller} tabIndex={0} role="region" aria-label="Conversation">
        <div ref={content} className={styles.content} data-empty={nothing}>
          <OlderHistory scroller={scroller} />
          {nothing && (loaded ? empty : <Loading />)}
          {parcels.map((chunk, at) => (
            <Chunk key={chunk.key} chunk={chunk} near={near} always={at >= parcels.length - ALWAYS || asks(chunk)} />
          ))}
          {waiting.map((message) => (
            <div key={message.key} data-row={message.key} className={styles.row}>
              <UserWords message={message} />
            </div>
          ))}
        </div>
      </div>
      <NewPill rows={rows} following={following} toEnd={toEnd} />
      <Spoken />
    </div>
  );
}

function useRows(entries: Parameters<typeof fold>[0]): { rows: readonly Row[]; parcels: readonly ChunkRows[] } {
  const last = useRef<{ rows: readonly Row[]; parcels: readonly ChunkRows[] }>({ rows: [], parcels: [] });
  return useMemo(() => {
    const rows = keepSame(last.current.rows, fold(entries));
    last.current = { rows, parcels: chunks(rows, last.current.parcels) };
    return last.current;
  }, [entries]);
}

function asks(chunk: ChunkRows): boolean {
  return chunk.rows.some((row) => row.type === "permission" && row.state === "open");
}

/** Messages on their way while no turn runs; while one runs, the composer shows them as queued. */
function useWaiting(): readonly MessageEntry[] {
  const running = useChatState((state) => state.view.turn !== null);
  const pending = useChatState((state) => state.view.pending);
  const outbox = useChatState((state) => state.outbox);
  const { say } = useChat();
  return useMemo(() => (running && say !== null ? [] : [...pending, ...outbox]), [running, pending, outbox, say]);
}
