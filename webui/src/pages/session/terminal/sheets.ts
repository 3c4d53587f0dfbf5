/**
 * The page's policy lets nobody write a <style> element, and the terminal writes its colours into such. It gets elements that
 * are none to the browser (their type is not CSS), and what is written there is adopted as sheets, which the policy allows.
 */
export function documentForTerminal(): Document {
  return new Proxy(document, {
    get(target, name) {
      if (name === "createElement") {
        return (tag: string) => {
          const element = target.createElement(tag);
          if (tag === "style") element.setAttribute("type", MARK);
          return element;
        };
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value as (...args: unknown[]) => unknown).bind(target) : value;
    },
  });
}

const MARK = "text/terminal";

/** Keep what is written into such elements within `root` in force until the returned function is called. */
export function adoptSheets(root: HTMLElement): () => void {
  const sheet = new CSSStyleSheet();
  const copy = () => sheet.replaceSync([...root.querySelectorAll(`style[type="${MARK}"]`)].map((element) => element.textContent ?? "").join("\n"));
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
  return target instanceof HTMLElement && (target.tagName === "STYLE" || target.classList.contains("xterm-screen"));
}
