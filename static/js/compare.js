// Two places for a photo each: drop, paste (the first empty one) or choose; both full sends.
const form = () => document.querySelector("form[data-compare]");
const zones = () => [...form().querySelectorAll("[data-compare-zone]")];
const inputOf = (zone) => zone.querySelector('input[type="file"]');

for (const kind of ["dragover", "drop"]) {
  document.addEventListener(kind, (event) => {
    if (!form() || ![...(event.dataTransfer?.types ?? [])].includes("Files")) return;
    event.preventDefault();
    document.body.classList.toggle("is-dragging", kind === "dragover");
    if (kind === "drop") dropped(event);
  });
}
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("is-dragging");
});
document.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files ?? [])];
  if (!form() || !files.length) return;
  event.preventDefault();
  spread(files, null);
});
document.addEventListener("change", (event) => {
  const zone = event.target.closest?.("[data-compare-zone]");
  if (zone) show(zone);
});

function dropped(event) {
  spread([...event.dataTransfer.files], event.target.closest?.("[data-compare-zone]"));
}

/** Put the first file where it was dropped, others where there is room. */
function spread(files, aimed) {
  const empty = zones().filter((zone) => zone !== aimed && !inputOf(zone).files.length);
  const places = [...(aimed ? [aimed] : []), ...empty];
  if (!places.length) places.push(zones()[0]);
  files.slice(0, places.length).forEach((file, index) => {
    const taken = new DataTransfer();
    taken.items.add(file);
    inputOf(places[index]).files = taken.files;
    inputOf(places[index]).dispatchEvent(new Event("change", { bubbles: true }));
  });
}

function show(zone) {
  const [file] = inputOf(zone).files;
  const preview = zone.querySelector("[data-compare-preview]");
  zone.classList.toggle("is-full", Boolean(file));
  if (!file) return;
  zone.querySelector("[data-compare-name]").textContent = file.name;
  preview.src = URL.createObjectURL(file);
  preview.hidden = false;
  preview.addEventListener("error", () => { preview.hidden = true; }, { once: true });
  if (zones().every((other) => inputOf(other).files.length)) {
    form().querySelector("[data-compare-status]").textContent = "Looking for faces …";
    form().setAttribute("aria-busy", "true");
    form().requestSubmit();
  }
}

for (const failure of ["htmx:responseError", "htmx:sendError", "htmx:sendAbort"]) {
  document.addEventListener(failure, () => {
    if (!form()) return;
    form().removeAttribute("aria-busy");
    form().querySelector("[data-compare-status]").textContent = "";
  });
}
