import { NewSessionDialog } from "../pages/new-session/NewSessionDialog";
import { DeleteDialog } from "../pages/session/DeleteDialog";
import { useLayers } from "../stores/layers";
import { useSessions } from "../stores/sessions";
import { CommandPalette } from "./CommandPalette";
import { HelpOverlay } from "./HelpOverlay";

/** What lies over the page now. */
export function Layers() {
  const { layer, deleting, open, askDelete } = useLayers();
  const doomed = useSessions((state) => (deleting ? state.byId.get(deleting) : undefined));
  const close = () => open(undefined);
  return (
    <>
      {layer === "palette" && <CommandPalette onClose={close} />}
      {layer === "help" && <HelpOverlay onClose={close} />}
      {(layer === "new" || layer === "demo") && <NewSessionDialog demo={layer === "demo"} onClose={close} />}
      {doomed && <DeleteDialog session={doomed} onClose={() => askDelete(undefined)} />}
    </>
  );
}
