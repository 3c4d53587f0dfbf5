import { Problem } from "../../api/problem";
import type { Entry, Found, Root, SearchQuery, SearchResult, WorkspacePort } from "../../ports/workspace";
import { MOCK_CHANGES, mockPatch } from "./changes";

const START = Date.now();
const PICTURE = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='240' height='120'%3E%3Crect width='240' height='120' fill='teal'/%3E%3C/svg%3E";
const GATE = `"""Which ships may enter, and why not."""

from dataclasses import dataclass

LIMIT = 42  # metres


@dataclass(frozen=True)
class Ship:
    name: str
    length: int


def admit(ship: Ship) -> bool:
    """Nothing longer than the quay."""
    return ship.length <= LIMIT
`;

const FIRST: Record<string, string> = {
  "README.md": "# Harbor\n\nOpens the gates for `ships`.\n\n- small ones\n- large ones\n",
  "pyproject.toml": '[project]\nname = "harbor"\nversion = "1.4.0"\n',
  "src/harbor/__init__.py": "",
  "src/harbor/gate.py": GATE,
  "src/harbor/tides.py": 'def high(hour: int) -> bool:\n    return hour % 12 < 6\n',
  "tests/test_gate.py": 'from harbor.gate import Ship, admit\n\n\ndef test_small_ships_enter() -> None:\n    assert admit(Ship("Ida", 12))\n',
  "docs/quay.svg": "<svg/>",
  "data/tides.bin": "\0\0\x01\x02",
};

/** A small project in memory. A file named `conflict.md` is always another by the time it is saved. */
class MockFiles {
  readonly files = new Map(Object.entries(FIRST).concat([["conflict.md", "Saved by someone else in between.\n"]]));
  readonly folders = new Set(["src", "src/harbor", "tests", "docs", "data", "empty"]);
  private writes = 0;

  entry(path: string): Entry {
    const text = this.files.get(path);
    const name = path.slice(path.lastIndexOf("/") + 1);
    return { name, path, kind: text === undefined ? "folder" : "file", size: text?.length ?? 0, modified: new Date(START - 3_600_000).toISOString(), revision: this.revision(path) };
  }

  inside(path: string): Entry[] {
    const within = (each: string) => each.slice(0, Math.max(0, each.lastIndexOf("/"))) === path;
    return [...[...this.folders].filter(within).sort(), ...[...this.files.keys()].filter(within).sort()].map((each) => this.entry(each));
  }

  text(path: string): string {
    const text = this.files.get(path);
    if (text === undefined) throw new Problem(404, "Not Found", `There is no file ${path}.`, "It was renamed or deleted.");
    return text;
  }

  revision(path: string): string {
    return path === "conflict.md" ? String(++this.writes) : `r${this.files.get(path)?.length}`;
  }

  move(path: string, to: string): void {
    for (const [each, text] of [...this.files]) {
      if (each !== path && !each.startsWith(`${path}/`)) continue;
      this.files.delete(each);
      this.files.set(to + each.slice(path.length), text);
    }
    if (this.folders.delete(path)) this.folders.add(to);
  }

  remove(path: string): void {
    for (const each of [...this.files.keys()]) if (each === path || each.startsWith(`${path}/`)) this.files.delete(each);
    this.folders.delete(path);
  }

  search({ text, kind }: SearchQuery): SearchResult {
    const wanted = text.toLowerCase();
    if (kind === "name") {
      return { items: [...this.files.keys()].filter((path) => path.includes(wanted)).map((path) => ({ path, line: null, text: path, ranges: [] })), truncated: false };
    }
    const items = [...this.files].flatMap(([path, all]) =>
      all.split("\n").flatMap((line, index): Found[] => {
        const from = line.toLowerCase().indexOf(wanted);
        return from < 0 ? [] : [{ path, line: index + 1, text: line, ranges: [[from, from + wanted.length]] }];
      }),
    );
    return { items, truncated: false };
  }
}

export function mockWorkspace(): WorkspacePort {
  const disk = new MockFiles();
  return {
    list: async (_, root, path) => ({ path, entries: root === ("home" satisfies Root) ? [] : disk.inside(path), next: null }),
    async read(_, __, path) {
      const text = disk.text(path);
      return { bytes: new Blob([text]), size: text.length, revision: disk.revision(path) };
    },
    async write(_, __, path, bytes, expected) {
      const there = disk.files.has(path);
      const other = expected === "nothing" ? there : expected !== "anything" && disk.revision(path) !== expected.revision;
      if (other) throw new Problem(409, "Conflict", `${path} was changed by someone else.`, "Look at it again.");
      disk.files.set(path, await bytes.text());
      return disk.entry(path);
    },
    makeFolder: async (_, __, path) => void disk.folders.add(path),
    rename: async (_, __, path, to) => disk.move(path, to),
    remove: async (_, __, path) => disk.remove(path),
    address: () => PICTURE,
    search: async (_, __, query) => disk.search(query),
    changes: async (_, against) => ({ ...MOCK_CHANGES, against }),
    patch: async (_, __, path, whole) => mockPatch(path, whole),
    refs: async () => ({ branches: ["main", "volundr/fix-login-redirect", "release/1.4"], tags: ["v1.3.0", "v1.4.0"], default: "main" }),
    state: async () => ({ repository: true, branch: "volundr/fix-login-redirect", commit: "c0ffee1", dirty: true }),
    code: async () => ({ available: false, problem: "code-server is not installed on this machine.", hint: "Install it with `curl -fsSL https://code-server.dev/install.sh | sh`, then open this tab again.", running: false }),
    codeAddress: () => "about:blank",
  };
}
