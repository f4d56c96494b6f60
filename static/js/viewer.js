// A stored image large, with the face marked in its photo; arrows go to its neighbours.
import { fitPhoto } from "./lib/photo.js";

const dialog = document.getElementById("viewer");
const part = (name) => document.getElementById(`viewer-${name}`);
let shown = null;

document.addEventListener("click", (event) => {
  const tile = event.target.closest("[data-view]");
  if (tile && dialog) show(tile);
});
part("previous")?.addEventListener("click", () => step(-1));
part("next")?.addEventListener("click", () => step(1));
dialog?.addEventListener("keydown", (event) => {
  if (event.key === "ArrowLeft") step(-1);
  if (event.key === "ArrowRight") step(1);
});
dialog?.addEventListener("close", () => shown?.focus());

function show(tile) {
  shown = tile;
  const { screen, width, height, box, path, facts, name, href, original } = tile.dataset;
  const image = part("image");
  image.width = Number(width);
  image.height = Number(height);
  fitPhoto(image.parentElement, Number(width), Number(height));
  image.src = screen;
  image.alt = path;
  part("name").textContent = name || "Stored image";
  part("facts").textContent = facts;
  part("path").textContent = path;
  link(part("open"), href);
  link(part("original"), original);
  const drawing = part("box");
  drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const [x, y, w, h] = box.split(" ");
  for (const rect of drawing.querySelectorAll("rect")) {
    for (const [key, value] of Object.entries({ x, y, width: w, height: h })) rect.setAttribute(key, value);
  }
  if (!dialog.open) dialog.showModal();
}

function link(element, href) {
  element.hidden = !href;
  if (href) element.href = href;
}

function step(by) {
  const tiles = [...(shown?.closest("[data-grid]")?.querySelectorAll("[data-view]") ?? [])];
  const next = tiles[tiles.indexOf(shown) + by];
  if (next) show(next);
}
