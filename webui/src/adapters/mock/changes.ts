import { Problem } from "../../api/problem";
import type { ChangedFile, Changes, Patch } from "../../ports/workspace";

const GENERATED = 50_000;

const GATE = `diff --git a/src/harbor/gate.py b/src/harbor/gate.py
index 1b2c3d4..5e6f7a8 100644
--- a/src/harbor/gate.py
+++ b/src/harbor/gate.py
@@ -1,11 +1,11 @@
-"""Which ships may enter."""
+"""Which ships may enter, and why not."""
 
 from dataclasses import dataclass
 
-LIMIT = 40
+LIMIT = 42  # metres
 
 
 @dataclass(frozen=True)
 class Ship:
     name: str
     length: int
@@ -13,2 +13,8 @@ class Ship:
 def admit(ship: Ship) -> bool:
-    return ship.length < LIMIT
+    """Nothing longer than the quay."""
+    return ship.length <= LIMIT
+
+
+def refuse(ship: Ship) -> str:
+    """Why a ship has to stay outside, in a sentence that is long enough to show what happens to a line that does not fit."""
+    return f"{ship.name} is {ship.length - LIMIT} metres too long."
`;

const NOTES = `diff --git a/notes.md b/notes.md
new file mode 100644
--- /dev/null
+++ b/notes.md
@@ -0,0 +1,3 @@
+# What is left
+
+- tides
`;

const RENAMED = `diff --git a/src/harbor/moon.py b/src/harbor/tides.py
similarity index 82%
rename from src/harbor/moon.py
rename to src/harbor/tides.py
--- a/src/harbor/moon.py
+++ b/src/harbor/tides.py
@@ -1,2 +1,2 @@
 def high(hour: int) -> bool:
-    return hour % 24 < 12
+    return hour % 12 < 6
`;

const GONE = `diff --git a/src/harbor/legacy.py b/src/harbor/legacy.py
deleted file mode 100644
--- a/src/harbor/legacy.py
+++ /dev/null
@@ -1,3 +0,0 @@
-import warnings
-
-warnings.warn("gone")
`;

const file = (path: string, status: ChangedFile["status"], added: number, removed: number, more: Partial<ChangedFile> = {}): ChangedFile => ({
  path, old_path: null, status, added, removed, binary: false, large: false, ...more,
});

const FILES: readonly ChangedFile[] = [
  file("src/harbor/gate.py", "modified", 10, 3),
  file("src/harbor/legacy.py", "deleted", 0, 3),
  file("src/harbor/tides.py", "renamed", 1, 1, { old_path: "src/harbor/moon.py" }),
  file("docs/quay.png", "modified", 0, 0, { binary: true }),
  file("web/generated.lock", "modified", GENERATED, 0, { large: true }),
  file("notes.md", "untracked", 3, 0),
];

export const MOCK_CHANGES: Changes = {
  against: "last_commit",
  base: { ref: "HEAD", commit: "c0ffee1d5a7b" },
  files: FILES,
  added: FILES.reduce((sum, each) => sum + each.added, 0),
  removed: FILES.reduce((sum, each) => sum + each.removed, 0),
  truncated: false,
};

export function mockPatch(path: string, whole: boolean): Patch {
  const known = FILES.find((each) => each.path === path);
  if (!known) throw new Problem(404, "Not Found", `${path} is not changed any more.`);
  const texts: Record<string, string> = { "src/harbor/gate.py": GATE, "notes.md": NOTES, "src/harbor/tides.py": RENAMED, "src/harbor/legacy.py": GONE };
  const patch = known.large && whole ? generated(path) : (texts[path] ?? "");
  const { old_path, status, binary, large } = known;
  return { path, old_path, status, patch, binary, large: large && !whole, bytes: known.large ? 2_400_000 : patch.length };
}

function generated(path: string): string {
  const lines = Array.from({ length: GENERATED }, (_, index) => `+  "package-${index}": { "version": "1.${index % 40}.0", "integrity": "sha512-${index * 7919}" },`);
  return `diff --git a/${path} b/${path}\n--- a/${path}\n+++ b/${path}\n@@ -0,0 +1,${GENERATED} @@\n${lines.join("\n")}\n`;
}
