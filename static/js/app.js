// What every page with a rail does.
import { confirmations, copyButtons, revealPasswords } from "./lib/forms.js";
import { connectHtmx } from "./lib/htmx.js";
import { keyboard } from "./lib/keyboard.js";
import { choose, current, isDark } from "./lib/theme.js";
import { toast } from "./lib/toast.js";

connectHtmx(document);
keyboard(document);
confirmations(document);
copyButtons(document, toast);
revealPasswords(document);

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) document.getElementById(opener.dataset.opens).showModal();
  if (event.target.closest("[data-theme-switch]")) {
    choose(isDark() ? "light" : "dark");
    showTheme();
  }
  const choice = event.target.closest("[data-theme-choice]");
  if (choice) {
    choose(choice.dataset.themeChoice);
    showTheme();
  }
  // A click beside a dialog closes it.
  if (event.target instanceof HTMLDialogElement) event.target.close();
});

document.addEventListener("change", (event) => {
  if (event.target.matches?.("select[data-submits]")) event.target.form.requestSubmit();
});

function showTheme() {
  for (const choice of document.querySelectorAll("[data-theme-choice]")) {
    choice.setAttribute("aria-pressed", String(choice.dataset.themeChoice === current()));
  }
  for (const word of document.querySelectorAll("[data-theme-word]")) {
    word.textContent = isDark() ? "Light" : "Dark";
  }
}

showTheme();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showTheme);
