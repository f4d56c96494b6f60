// A short word at the edge of the page, for what has no better place.
const SECONDS = 8;

export function toast(text, { tone = "bad", code = "" } = {}) {
  const place = document.getElementById("toasts");
  if (!place) return;
  const notice = document.createElement("div");
  notice.className = `notice notice-${tone}`;
  notice.append(icon(tone === "bad" ? "cross" : "check"), line("p", text));
  if (code) notice.append(line("p", code, "notice-code"));
  place.replaceChildren(notice);
  setTimeout(() => notice.remove(), SECONDS * 1000);
}

export function icon(name, size = "") {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", size ? `icon icon-${size}` : "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

function line(tag, text, className = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  if (className) element.className = className;
  return element;
}
