const MARK = "data-terminal-sheet";

/**
 * The page's policy lets nobody write a <style> element or a style attribute, and the terminal does both. While `open` runs, the
 * style elements that are made are none: what is written there is adopted as a sheet, which the policy allows (`adoptSheets`).
 */
export function openUnderPolicy(open: () => void): void {
  allowStyleOfSpans();
  const original = document.createElement;
  const make = (tag: string, options?: ElementCreationOptions): HTMLElement => {
    if (tag !== "style") return original.call(document, tag, options);
    const element = original.call(document, "template");
    element.setAttribute(MARK, "");
    return element;
  };
  document.createElement = make as typeof document.createElement;
  try {
    open();
  } finally {
    document.createElement = original;
  }
}

let allowed = false;

/** Letters in colours of their own get a style attribute. A script may set the same by the style itself: it has the same effect. */
function allowStyleOfSpans(): void {
  if (allowed) return;
  allowed = true;
  HTMLSpanElement.prototype.setAttribute = function setAttribute(name: string, value: string): void {
    if (name === "style") this.style.cssText = value;
    else Element.prototype.setAttribute.call(this, name, value);
  };
}

/** Keep what is written into such elements within `root` in force until the returned function is called. */
export function adoptSheets(root: HTMLElement): () => void {
  const sheet = new CSSStyleSheet();
  const copy = () => sheet.replaceSync([...root.querySelectorAll(`[${MARK}]`)].map((element) => element.textContent ?? "").join("\n"));
  const observer = new MutationObserver((changes) => changes.some(({ target }) => isSheet(target)) && copy());
  observer.observe(root, { subtree: true, childList: true });
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  copy();
  return () => {
    observer.disconnect();
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((each) => each !== sheet);
  };
}

/** Written into such an element, or one was put where the terminal keeps them. */
function isSheet(target: Node): boolean {
  return target instanceof HTMLElement && (target.hasAttribute(MARK) || target.classList.contains("xterm-screen"));
}
