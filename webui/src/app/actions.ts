import type { Session } from "../api/types";
import { useLayers } from "../stores/layers";
import { usePreferences } from "../stores/preferences";
import { VERB_WORDS, act, verbsOf } from "../stores/verbs";
import { chatActions } from "./chatActions";
import { PLACES } from "./places";

/** Something a person can do. The palette lists it, `keys` do it from anywhere, the help shows both. */
export interface Action {
  id: string;
  label: string;
  group: "Go" | "Session" | "View";
  keys?: string;
  run(): void;
}

/** Everything that can be done here and now. */
export function actionsFor(session: Session | undefined, go: (path: string) => void): Action[] {
  const { open } = useLayers.getState();
  return [
    { id: "new", label: "New session", group: "Session", keys: "c", run: () => open("new") },
    ...(session ? [...chatActions(), ...sessionActions(session, go)] : []),
    ...PLACES.map(({ path, label, keys }): Action => ({ id: path, label: `Go to ${label}`, group: "Go", keys, run: () => go(path) })),
    ...viewActions(),
  ];
}

function sessionActions(session: Session, go: (path: string) => void): Action[] {
  const layers = useLayers.getState();
  return [
    { id: "file", label: "Go to file …", group: "Go", keys: "g f", run: () => go(`/sessions/${session.id}/files?find=name`) },
    { id: "search", label: "Search in files …", group: "Go", keys: "g /", run: () => go(`/sessions/${session.id}/files?find=content`) },
    { id: "diffs", label: "Go to the diffs", group: "Go", keys: "g d", run: () => go(`/sessions/${session.id}/diffs`) },
    { id: "terminal", label: "Go to the terminal", group: "Go", keys: "g t", run: () => go(`/sessions/${session.id}/terminal`) },
    ...verbsOf(session).map((verb): Action => ({ id: verb, label: `${VERB_WORDS[verb]} ${session.name}`, group: "Session", run: () => act(session.id, verb) })),
    { id: "rename", label: `Rename ${session.name}`, group: "Session", run: () => layers.rename(session.id) },
    { id: "delete", label: `Delete ${session.name} …`, group: "Session", run: () => layers.askDelete(session.id) },
  ];
}

function viewActions(): Action[] {
  const { theme, inspectorOpen, set } = usePreferences.getState();
  const themes = [
    ["dark", "Dark theme"],
    ["light", "Light theme"],
    ["system", "Theme of the system"],
  ] as const;
  return [
    { id: "inspector", label: inspectorOpen ? "Hide details" : "Show details", group: "View", keys: "\\", run: () => set({ inspectorOpen: !inspectorOpen }) },
    ...themes.filter(([id]) => id !== theme).map(([id, label]): Action => ({ id, label, group: "View", run: () => set({ theme: id }) })),
    { id: "help", label: "Keyboard shortcuts", group: "View", keys: "?", run: () => useLayers.getState().open("help") },
  ];
}
