import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { bracketMatching, indentUnit } from "@codemirror/language";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { Annotation, Compartment, EditorState, type Extension, RangeSetBuilder, StateEffect, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, drawSelection, highlightActiveLine, highlightSpecialChars, keymap, lineNumbers } from "@codemirror/view";
import type { Colour } from "../../../chat/markdown/grammars";
import { codeTheme } from "./codeTheme";

/** Colouring more than this takes too long between two keys. */
const MOST_COLOURED = 150_000;
const SETTLE_MS = 120;

export interface CodeOptions {
  text: string;
  breaks: "\n" | "\r\n";
  language: string;
  wrap: boolean;
  label: string;
  onChange(text: () => string): void;
  onSave(): void;
}

const setColours = StateEffect.define<DecorationSet>();
const fromOutside = Annotation.define<boolean>();

const colours = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(now, transaction) {
    const set = transaction.effects.find((effect) => effect.is(setColours));
    return set ? (set.value as DecorationSet) : now.map(transaction.changes);
  },
  provide: (field) => EditorView.decorations.from(field),
});

/** The editor of one file. It lives in a shadow root: there the page's policy lets it have its styles. */
export class CodeView {
  private readonly view: EditorView;
  private readonly wrapping = new Compartment();
  private colour: Colour | null = null;
  private timer = 0;

  constructor(
    host: HTMLElement,
    private readonly options: CodeOptions,
  ) {
    const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
    root.replaceChildren();
    this.view = new EditorView({ state: EditorState.create({ doc: options.text, extensions: this.extensions() }), parent: root, root });
    // Keys typed here are text: nothing above may take one for a command of the page; only the palette is one everywhere.
    this.view.dom.addEventListener("keydown", (event) => {
      if (!((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k")) event.stopPropagation();
    });
  }

  text(): string {
    return this.view.state.sliceDoc();
  }

  /** Another text from outside: the place in it is kept as far as possible. */
  replace(text: string): void {
    const { doc, selection } = this.view.state;
    const lines = this.view.state.toText(text);
    if (lines.eq(doc)) return;
    const head = Math.min(selection.main.head, lines.length);
    this.view.dispatch({ changes: { from: 0, to: doc.length, insert: lines }, selection: { anchor: head }, annotations: fromOutside.of(true) });
  }

  goTo(line: number): void {
    const { doc } = this.view.state;
    const place = doc.line(Math.min(Math.max(1, line), doc.lines));
    this.view.dispatch({ selection: { anchor: place.from, head: place.to }, effects: EditorView.scrollIntoView(place.from, { y: "center" }) });
    this.view.focus();
  }

  wrap(on: boolean): void {
    this.view.dispatch({ effects: this.wrapping.reconfigure(on ? EditorView.lineWrapping : []) });
  }

  useColour(colour: Colour | null): void {
    this.colour = colour;
    this.paint();
  }

  close(): void {
    window.clearTimeout(this.timer);
    this.view.destroy();
  }

  private extensions(): Extension {
    const { breaks, label, wrap, text, onChange, onSave } = this.options;
    const save = () => {
      onSave();
      return true;
    };
    return [
      lineNumbers(),
      highlightSpecialChars(),
      history(),
      drawSelection(),
      highlightActiveLine(),
      bracketMatching(),
      highlightSelectionMatches(),
      search({ top: true }),
      EditorState.lineSeparator.of(breaks),
      EditorState.tabSize.of(4),
      indentUnit.of(/^\t/m.test(text) ? "\t" : /^ {2}\S/m.test(text) ? "  " : "    "),
      EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false", autocapitalize: "off", autocorrect: "off" }),
      this.wrapping.of(wrap ? EditorView.lineWrapping : []),
      colours,
      codeTheme,
      // Escape, then Tab, leaves: with indentWithTab alone nobody could get out by keyboard.
      keymap.of([{ key: "Mod-s", run: save, preventDefault: true }, ...searchKeymap, ...historyKeymap, ...defaultKeymap, indentWithTab]),
      EditorView.updateListener.of((update) => {
        if (!update.docChanged) return;
        window.clearTimeout(this.timer);
        this.timer = window.setTimeout(() => this.paint(), SETTLE_MS);
        if (!update.transactions.some((each) => each.annotation(fromOutside))) onChange(() => update.state.sliceDoc());
      }),
    ];
  }

  private paint(): void {
    const { doc } = this.view.state;
    const { language } = this.options;
    if (!this.colour || !language || doc.length > MOST_COLOURED) return;
    const runs = this.colour(doc.toString(), language);
    if (!runs) return;
    const set = new RangeSetBuilder<Decoration>();
    let at = 0;
    for (const { text, kind } of runs) {
      if (kind) set.add(at, at + text.length, markOf(kind));
      at += text.length;
    }
    this.view.dispatch({ effects: setColours.of(set.finish()) });
  }
}

const marks = new Map<string, Decoration>();

function markOf(kind: string): Decoration {
  const known = marks.get(kind) ?? Decoration.mark({ class: `run-${kind}` });
  marks.set(kind, known);
  return known;
}
