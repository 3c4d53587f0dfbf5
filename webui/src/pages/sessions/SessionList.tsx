import { Plus } from "lucide-react";
import { useState } from "react";
import { grouped } from "../../stores/grouping";
import { useLayers } from "../../stores/layers";
import { useSessions } from "../../stores/sessions";
import { IconButton } from "../../ui/IconButton";
import { Input } from "../../ui/Input";
import { SessionGroup } from "./SessionGroup";
import styles from "./SessionList.module.css";

/** All sessions by what they do. */
export function SessionList({ current }: { current: string | undefined }) {
  const byId = useSessions((state) => state.byId);
  const [filter, setFilter] = useState("");
  const groups = grouped(byId.values(), filter);
  return (
    <section className={styles.list} aria-label="Sessions">
      <header className={styles.header}>
        <h1 className={styles.title}>Sessions</h1>
        <IconButton label="New session" keys="c" icon={<Plus />} onClick={() => useLayers.getState().open("new")} />
      </header>
      <div className={styles.filter}>
        <Input
          data-filter
          type="search"
          placeholder="Filter"
          aria-label="Filter sessions"
          value={filter}
          onChange={(event) => setFilter(event.target.value)}
          onKeyDown={(event) => {
            if (event.key !== "Escape") return;
            setFilter("");
            event.currentTarget.blur();
          }}
        />
      </div>
      <div className={styles.scroll}>
        {groups.map((group) => (
          <SessionGroup key={group.id} group={group} current={current} foldable={group.id === "archived" && filter === ""} />
        ))}
        {groups.length === 0 && <p className={styles.none}>No session matches “{filter}”.</p>}
      </div>
    </section>
  );
}
