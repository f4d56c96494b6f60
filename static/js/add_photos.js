// Photos of a person go up one by one, each with its own result; where a photo shows several
// faces the person is chosen on the photo itself.
import { fitLabels, fitPhoto } from "./lib/photo.js";
import { icon } from "./lib/toast.js";

const form = document.querySelector("form[data-add-photos]");
const results = document.getElementById("added");
const images = document.getElementById("images");
let queue = Promise.resolve();

form.addEventListener("change", (event) => {
  const input = event.target;
  if (input.name !== "photos") return;
  const files = [...input.files];
  input.value = "";
  for (const file of files) add(file);
});

function add(file, face = "") {
  const row = waiting(file.name);
  results.prepend(row);
  queue = queue.then(() => send(file, face, row));
}

async function send(file, face, row) {
  const data = new FormData();
  data.append("photos", file);
  data.append("face", face);
  data.append("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
  try {
    const answer = await fetch(form.action, { method: "POST", body: data, headers: { "HX-Request": "true" } });
    if (answer.redirected) return location.reload();
    if (!answer.headers.get("X-Fragment")) throw new Error(`answered with ${answer.status}`);
    show(row, await answer.text(), file);
  } catch (error) {
    row.className = "notice notice-bad";
    row.replaceChildren(icon("cross"), text("strong", file.name), text("p", `Not added: ${error.message}.`));
  }
  return undefined;
}

function show(row, html, file) {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  const result = document.importNode(parsed.querySelector("[data-added]"), true);
  row.replaceWith(result);
  const tile = result.querySelector("template");
  if (tile) {
    images.prepend(tile.content.cloneNode(true));
    document.querySelector('[data-if-empty="images"]')?.remove();
  }
  const chooser = result.querySelector("[data-choose-face]");
  if (chooser) choose(chooser, result, file);
}

function choose(chooser, result, file) {
  const image = new Image();
  image.alt = `${file.name}, choose a face`;
  image.src = URL.createObjectURL(file);
  image.addEventListener("load", () => {
    const photo = document.createElement("div");
    photo.className = "photo";
    photo.append(image, boxes(chooser, image, (face) => {
      result.remove();
      add(file, face);
    }));
    fitPhoto(photo, image.naturalWidth, image.naturalHeight);
    chooser.prepend(text("p", "Choose the face that is meant:"), photo);
    new ResizeObserver(() => fitLabels(photo)).observe(photo);
  });
}

function boxes(chooser, image, onChoice) {
  const svg = shape("svg", { viewBox: `0 0 ${image.naturalWidth} ${image.naturalHeight}` });
  for (const choice of chooser.querySelectorAll("[data-choice]")) {
    const [x, y, width, height] = choice.dataset.box.split(" ");
    const group = shape("g", { class: "face-box", role: "button", tabindex: "0", "aria-label": `Face ${choice.dataset.choice}` });
    const label = shape("g", { "data-label": "", "data-x": x, "data-y": y });
    const number = shape("text", {});
    number.textContent = choice.dataset.choice;
    label.append(shape("circle", { r: "11" }), number);
    for (const part of ["face-edge", "face-line"]) group.append(shape("rect", { class: part, x, y, width, height }));
    group.append(label);
    group.addEventListener("click", () => onChoice(choice.dataset.choice));
    group.addEventListener("keydown", (event) => { if (event.key === "Enter") onChoice(choice.dataset.choice); });
    svg.append(group);
  }
  return svg;
}

function waiting(name) {
  const row = document.createElement("div");
  row.className = "notice";
  row.append(icon("upload"), text("strong", name), text("p", "Waiting …"));
  return row;
}

function shape(tag, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

function text(tag, words) {
  const element = document.createElement(tag);
  element.textContent = words;
  return element;
}
