import { EditorView } from "@codemirror/view";

const KINDS: Record<string, readonly string[]> = {
  keyword: ["keyword", "built_in", "selector-tag", "meta", "tag"],
  string: ["string", "regexp", "link"],
  number: ["number", "literal", "symbol"],
  function: ["title", "section", "attr", "attribute", "property"],
  type: ["type", "class", "name", "variable", "template-variable"],
  comment: ["comment", "quote", "doctag"],
};

const coloured = Object.fromEntries(
  Object.entries(KINDS).map(([token, kinds]) => [kinds.map((kind) => `.run-${kind}`).join(", "), { color: `var(--code-${token})` }]),
);

/** The page's tokens for the editor: custom properties reach into its shadow, classes do not. */
export const codeTheme = EditorView.theme({
  "&": { height: "100%", color: "var(--text-1)", backgroundColor: "var(--surface-0)", fontSize: "var(--size-13)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--font-mono)", lineHeight: "var(--line-read)", fontVariantLigatures: "none", scrollbarWidth: "thin", scrollbarColor: "var(--line-strong) transparent" },
  ".cm-content": { caretColor: "var(--ember)", padding: "var(--space-2) 0" },
  ".cm-cursor": { borderLeftColor: "var(--ember)", borderLeftWidth: "2px" },
  ".cm-gutters": { backgroundColor: "var(--surface-0)", color: "var(--text-3)", border: "none", paddingLeft: "var(--space-2)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in oklch, var(--surface-2) 55%, transparent)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    background: "color-mix(in oklch, var(--ember) 26%, transparent)",
  },
  ".cm-selectionMatch": { backgroundColor: "color-mix(in oklch, var(--gold) 20%, transparent)" },
  ".cm-searchMatch": { backgroundColor: "color-mix(in oklch, var(--gold) 30%, transparent)" },
  ".cm-searchMatch-selected": { backgroundColor: "color-mix(in oklch, var(--ember) 45%, transparent)" },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--surface-3)", outline: "none" },
  ".cm-panels": { backgroundColor: "var(--surface-1)", color: "var(--text-1)", borderColor: "var(--line)" },
  ".cm-panels-top": { borderBottom: "1px solid var(--line)" },
  ".cm-panel.cm-search": { padding: "var(--space-2)", fontFamily: "var(--font-sans)", fontSize: "var(--size-13)" },
  ".cm-panel.cm-search label": { fontSize: "var(--size-12)", color: "var(--text-2)" },
  ".cm-textfield": { backgroundColor: "var(--surface-0)", border: "1px solid var(--line)", borderRadius: "var(--radius-4)", color: "inherit", fontSize: "inherit" },
  ".cm-button": { background: "var(--surface-2)", border: "1px solid var(--line)", borderRadius: "var(--radius-4)", color: "inherit", fontSize: "inherit" },
  ".run-comment": { fontStyle: "italic" },
  ...coloured,
});
