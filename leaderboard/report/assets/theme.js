// Light or dark: what the system says, until the reader chooses. Runs before anything is shown.
(() => {
  "use strict";
  const root = document.documentElement;
  const stored = () => { try { return localStorage.getItem("peephole-theme"); } catch { return null; } };
  const system = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (root.style.colorScheme || (system.matches ? "dark" : "light")) === "dark";
  const tell = () => document.dispatchEvent(new Event("themechange"));
  if (stored()) root.style.colorScheme = stored();
  system.addEventListener("change", tell);
  document.addEventListener("DOMContentLoaded", () => {
    document.querySelector("a.skip").addEventListener("click", event => {
      event.preventDefault(); // the address holds what is chosen
      document.getElementById("main").focus();
    });
    document.getElementById("theme").addEventListener("click", () => {
      root.style.colorScheme = dark() ? "light" : "dark";
      try { localStorage.setItem("peephole-theme", root.style.colorScheme); } catch { /* for this page only */ }
      tell();
    });
  });
})();
