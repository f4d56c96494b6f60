// Light, dark, or as the system has it; kept in this browser.
const root = document.documentElement;

export function current() {
  return root.dataset.theme || "system";
}

export function isDark() {
  if (root.dataset.theme) return root.dataset.theme === "dark";
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

export function choose(theme) {
  if (theme === "system") delete root.dataset.theme;
  else root.dataset.theme = theme;
  try {
    if (theme === "system") localStorage.removeItem("theme");
    else localStorage.setItem("theme", theme);
  } catch {
    // Storage may be switched off; the choice then lasts until the next page.
  }
}
