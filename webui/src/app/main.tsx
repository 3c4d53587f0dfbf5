import { createRoot } from "react-dom/client";
import "../styles/fonts.css";
import "../styles/reset.css";
import "../styles/tokens.css";
import "../styles/global.css";
import { setPorts } from "../ports";
import { App } from "./App";
import { choosePorts } from "./ports";

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root.");
setPorts(await choosePorts());
createRoot(root).render(<App />);
