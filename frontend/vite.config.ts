import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const platform = process.env["FAIRMESH_PUBLIC_URL"] ?? "http://127.0.0.1:8000";

export default defineConfig({
  base: "/static/",
  plugins: [react()],
  build: {
    manifest: "manifest.json",
    // No file is written into a page as data: a strict content security policy stays possible.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1600, // the layout worker, which is loaded apart
  },
  server: {
    strictPort: true,
    proxy: { "/api": platform, "/n/": platform, "/ark:": platform },
  },
});
