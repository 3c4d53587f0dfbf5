import type { ITheme } from "@xterm/xterm";

const NAMES = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"] as const;

/** The colours of the terminal, from the page's tokens as they are now. */
export function themeOf(place: HTMLElement): ITheme {
  const read = reader(place);
  const theme: Record<string, string> = {
    background: read("--surface-0"),
    foreground: read("--text-1"),
    cursor: read("--ember"),
    cursorAccent: read("--surface-0"),
    selectionBackground: read("--surface-3"),
    scrollbarSliderBackground: read("--surface-3"),
    scrollbarSliderHoverBackground: read("--line-strong"),
    scrollbarSliderActiveBackground: read("--line-strong"),
  };
  for (const name of NAMES) {
    theme[name] = read(`--term-${name}`);
    theme[`bright${name[0]?.toUpperCase()}${name.slice(1)}`] = read(`--term-bright-${name}`);
  }
  return theme;
}

/** Tokens are in oklch and for two themes; the terminal wants plain bytes: the browser itself says which. */
function reader(place: HTMLElement): (token: string) => string {
  const probe = document.createElement("span");
  place.append(probe);
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  queueMicrotask(() => probe.remove());
  return (token) => {
    probe.style.color = `var(${token})`;
    const colour = getComputedStyle(probe).color;
    if (!pen) return colour;
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    const [red = 0, green = 0, blue = 0] = pen.getImageData(0, 0, 1, 1).data;
    return `#${[red, green, blue].map((part) => part.toString(16).padStart(2, "0")).join("")}`;
  };
}

/** Call when the page's colours become others: the person's choice, or the system's. */
export function onThemeChange(changed: () => void): () => void {
  const observer = new MutationObserver(changed);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", changed);
  return () => {
    observer.disconnect();
    dark.removeEventListener("change", changed);
  };
}
