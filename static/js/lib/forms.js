// Small behaviours of forms: show a password, copy a text, ask before something is deleted.

export function revealPasswords(root) {
  root.addEventListener("click", (event) => {
    const button = event.target.closest("[data-reveal]");
    if (!button) return;
    const input = document.getElementById(button.dataset.reveal);
    const shown = input.type === "text";
    input.type = shown ? "password" : "text";
    button.textContent = shown ? "Show" : "Hide";
    button.setAttribute("aria-pressed", String(!shown));
  });
}

export function copyButtons(root, said) {
  root.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy], [data-copy-here]");
    if (!button) return;
    const source = button.dataset.copy ? document.querySelector(button.dataset.copy) : null;
    const text = source ? (source.value ?? source.textContent) : location.href.split("#")[0];
    const copied = await copy(text, source);
    const word = button.querySelector("[data-copy-word]");
    if (word) word.textContent = copied ? "Copied" : "Press Ctrl+C";
    else said(copied ? "Address copied." : text, { tone: copied ? "good" : "none" });
  });
}

async function copy(text, source) {
  // The clipboard needs https or localhost; elsewhere the text is selected for Ctrl+C.
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // Refused by the person or the browser.
    }
  }
  if (source) {
    if (source.select) source.select();
    else getSelection().selectAllChildren(source);
  }
  return false;
}

// A part of the page may have renewed itself while the question stood there.
function present(form) {
  if (form.isConnected) return form;
  return [...document.forms].find((other) => other.action === form.action && other.dataset.confirm);
}

export function confirmations(root) {
  const dialog = document.getElementById("confirm");
  if (!dialog) return;
  root.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.dataset.confirm || form.dataset.confirmed) return;
    event.preventDefault();
    event.stopPropagation();
    document.getElementById("confirm-text").textContent = form.dataset.confirm;
    const yes = document.getElementById("confirm-yes");
    yes.textContent = form.dataset.confirmYes || "Yes";
    const harmless = form.dataset.confirmTone === "primary";
    yes.className = `button ${harmless ? "button-primary" : "button-danger"}`;
    dialog.returnValue = "";
    dialog.addEventListener("close", () => {
      if (dialog.returnValue !== "yes") return;
      const live = present(form);
      if (!live) return;
      live.dataset.confirmed = "yes";
      live.requestSubmit();
    }, { once: true });
    dialog.showModal();
  }, true);
}
