// The answer page: a card lights its box, a box its card.
import { watchPhoto } from "./lib/photo.js";

for (const photo of document.querySelectorAll(".answer [data-photo]")) watchPhoto(photo);

function light(number, on) {
  for (const part of document.querySelectorAll(`.answer [data-face="${CSS.escape(number)}"]`)) {
    part.classList.toggle("is-lit", on);
  }
}

for (const [enter, leave] of [["mouseover", "mouseout"], ["focusin", "focusout"]]) {
  document.addEventListener(enter, (event) => {
    const part = event.target.closest?.(".answer [data-face]");
    if (part) light(part.dataset.face, true);
  });
  document.addEventListener(leave, (event) => {
    const part = event.target.closest?.(".answer [data-face]");
    if (part && !part.contains(event.relatedTarget)) light(part.dataset.face, false);
  });
}

document.addEventListener("click", (event) => {
  const box = event.target.closest(".face-box[data-face]");
  if (!box) return;
  const card = document.getElementById(`face-${box.dataset.face}`);
  if (!card) return; // the box leads to another page
  event.preventDefault();
  card.scrollIntoView({ block: "start", behavior: "auto" });
  card.focus({ preventScroll: true });
});
