import { createRoot } from "react-dom/client";
import "../styles/fonts.css";
import "../styles/reset.css";
import "../styles/tokens.css";
import "../styles/global.css";

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root.");
createRoot(root).render(<main>Volundr</main>);
