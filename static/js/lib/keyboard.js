// Keys of the whole platform: / search, g and a letter to go, ? help, arrows in grids, and the
// keys that a page names itself with data-key.
const PATIENCE = 1200;
let waitingSince = 0;

export function keyboard(root) {
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
    if (command(event.key) || move(event)) event.preventDefault();
  });
}

function isTyping(target) {
  return target.closest("input, textarea, select, [contenteditable]") !== null;
}

function command(key) {
  if (Date.now() - waitingSince < PATIENCE) {
    waitingSince = 0;
    const link = document.querySelector(`[data-go="${CSS.escape(key)}"]`);
    if (link) link.click();
    return link !== null;
  }
  if (key === "g") {
    waitingSince = Date.now();
    return true;
  }
  if (key === "/") {
    const search = document.querySelector("[data-search]");
    search?.focus();
    search?.select();
    return Boolean(search);
  }
  if (key === "?") {
    document.getElementById("help")?.showModal();
    return true;
  }
  const named = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (named?.matches("input")) named.focus();
  else named?.click();
  return named !== null;
}

function move(event) {
  const steps = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };
  const step = steps[event.key];
  const grid = event.target.closest("[data-grid]");
  if (!step || !grid) return false;
  const from = centre(event.target);
  let best = null;
  for (const item of grid.querySelectorAll("a, button.tile")) {
    const to = centre(item);
    const along = (to.x - from.x) * step[0] + (to.y - from.y) * step[1];
    const across = Math.abs((to.x - from.x) * step[1]) + Math.abs((to.y - from.y) * step[0]);
    if (item === event.target || along < 8 || (step[0] && across > 24)) continue;
    const far = along + across * 3;
    if (!best || far < best.far) best = { item, far };
  }
  best?.item.focus();
  return best !== null;
}

function centre(element) {
  const box = element.getBoundingClientRect();
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}
