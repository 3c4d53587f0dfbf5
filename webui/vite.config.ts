import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const FORGE = "http://127.0.0.1:8080";
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "font-src 'self'",
  "img-src 'self' data: blob:",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
].join("; ");

/** The built page carries its own policy too: whatever serves it, nothing inline and nothing foreign runs. */
function policy(): Plugin {
  return {
    name: "volundr-content-security-policy",
    apply: "build",
    transformIndexHtml: () => [
      { tag: "meta", attrs: { "http-equiv": "Content-Security-Policy", content: POLICY }, injectTo: "head-prepend" },
    ],
  };
}

// The forge answers only pages of its own origin: through the proxy the dev page passes for one.
const toForge = { target: FORGE, changeOrigin: true, ws: true, headers: { origin: FORGE } };

export default defineConfig({
  plugins: [react(), policy()],
  css: { modules: { generateScopedName: "[name]_[local]_[hash:base64:5]" } },
  server: {
    host: "127.0.0.1",
    proxy: { "^/api/": toForge, "^/s/[0-9a-fA-F-]{36}/": toForge },
  },
  build: {
    outDir: "../webui_dist",
    emptyOutDir: true,
    target: "es2023",
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rollupOptions: { input: { index: "index.html", reference: "reference.html" } },
  },
  test: { environment: "jsdom", include: ["src/**/*.test.{ts,tsx}"], restoreMocks: true },
});
