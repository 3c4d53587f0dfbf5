// Runs before the first paint, so that a chosen theme never flashes the other one. The rest is in src/stores/preferences.ts.
try {
  const kept = JSON.parse(localStorage.getItem("volundr.preferences") ?? "{}");
  if (kept.state?.theme === "dark" || kept.state?.theme === "light") document.documentElement.dataset.theme = kept.state.theme;
  if (kept.state?.density === "roomy") document.documentElement.dataset.density = "roomy";
} catch {
  // Storage is closed to us: the system's theme it is.
}
