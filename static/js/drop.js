// Forms that take files by dropping anywhere on the page, by pasting, or by choosing.
import { chosenFiles, droppedFiles } from "./lib/folders.js";
import { TooLarge, zip } from "./lib/zip.js";

const MEGA = 1024 * 1024;
const form = () => document.querySelector("form[data-drop]");
const fileInput = () => form().querySelector('input[type="file"]:not([webkitdirectory], [data-beside])');
let depth = 0;

function dragsFiles(event) {
  return form() && [...(event.dataTransfer?.types ?? [])].includes("Files");
}

document.addEventListener("dragenter", (event) => {
  if (!dragsFiles(event)) return;
  depth += 1;
  document.body.classList.add("is-dragging");
});
document.addEventListener("dragleave", (event) => {
  if (!dragsFiles(event)) return;
  depth = Math.max(0, depth - 1);
  if (!depth) document.body.classList.remove("is-dragging");
});
document.addEventListener("dragover", (event) => {
  if (dragsFiles(event)) event.preventDefault();
});
document.addEventListener("drop", async (event) => {
  if (!dragsFiles(event)) return;
  event.preventDefault();
  depth = 0;
  document.body.classList.remove("is-dragging");
  const loose = [...event.dataTransfer.files];
  const inFolders = form().matches("[data-folders]") ? await droppedFiles(event.dataTransfer) : null;
  if (inFolders) await takeFolder(inFolders);
  else take(loose);
});
document.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files ?? [])];
  if (!form() || form().matches("[data-folders]") || !files.length) return;
  event.preventDefault();
  take(files);
});
document.addEventListener("change", (event) => {
  const input = event.target;
  if (!input.matches?.('form[data-drop] input[type="file"]:not([data-beside])')) return;
  if (input.matches("[data-folder-input]")) takeFolder(chosenFiles(input));
  else if (form().matches("[data-autosubmit]") && input.files.length) send();
});
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-choose-folder]")) form().querySelector("[data-folder-input]").click();
});

function take(files) {
  const input = fileInput();
  const taken = new DataTransfer();
  for (const file of input.multiple ? files : files.slice(0, 1)) taken.items.add(file);
  input.files = taken.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

async function takeFolder(entries) {
  const limits = form().dataset;
  const total = entries.reduce((sum, { file }) => sum + file.size, 0);
  if (!entries.length) return refuse("There is no file in this folder.");
  if (entries.length > Number(limits.maxEntries)) return refuse(`The folder has ${entries.length} files; ${limits.maxEntries} at most are taken at once.`);
  if (total > Number(limits.maxBytes)) return refuse(`The folder has ${Math.ceil(total / MEGA)} MB; ${Math.floor(limits.maxBytes / MEGA)} MB at most are taken at once.`);
  busy(`Packing ${entries.length.toLocaleString("en")} files …`);
  const name = `${entries[0].path.split("/")[0] || "folder"}.zip`;
  try {
    take([await zip(entries, name, (bytes) => progress(bytes / total))]);
  } catch (error) {
    refuse(error instanceof TooLarge ? "The folder is too large for one upload." : "A file of the folder could not be read.");
  }
  return undefined;
}

function send() {
  const [file] = fileInput().files;
  const preview = form().querySelector("[data-drop-preview]");
  if (preview && file.type.startsWith("image/")) {
    preview.src = URL.createObjectURL(file);
    preview.hidden = false;
    preview.addEventListener("error", () => { preview.hidden = true; }, { once: true });
  }
  busy("Uploading …");
  form().requestSubmit();
}

function busy(words) {
  const place = form();
  place.setAttribute("aria-busy", "true");
  place.querySelector("[data-drop-idle]").hidden = true;
  place.querySelector("[data-drop-busy]").hidden = false;
  place.querySelector("[data-drop-refusal]")?.setAttribute("hidden", "");
  say(words);
}

function idle() {
  const place = form();
  if (!place?.querySelector("[data-drop-idle]")) return;
  place.removeAttribute("aria-busy");
  place.querySelector("[data-drop-idle]").hidden = false;
  place.querySelector("[data-drop-busy]").hidden = true;
  place.querySelector("[data-drop-bar]").removeAttribute("value");
  fileInput().value = "";
}

function refuse(text) {
  idle();
  const notice = form().querySelector("[data-drop-refusal]");
  notice.hidden = false;
  notice.querySelector("p").textContent = text;
}

function say(words) {
  form().querySelector("[data-drop-words]").textContent = words;
}

function progress(share) {
  form().querySelector("[data-drop-bar]").value = Math.min(1, share);
}

document.addEventListener("htmx:xhr:progress", (event) => {
  const { loaded, total } = event.detail;
  if (!total || !event.target.matches?.("form[data-autosubmit]")) return;
  if (loaded < total) {
    progress(loaded / total);
    say(`Uploading ${(loaded / MEGA).toFixed(1)} of ${(total / MEGA).toFixed(1)} MB`);
  } else {
    form().querySelector("[data-drop-bar]").removeAttribute("value");
    say(form().matches("[data-folders]") ? "Checking the archive …" : "Looking for faces …");
  }
});
for (const failure of ["htmx:responseError", "htmx:sendError", "htmx:sendAbort"]) {
  document.addEventListener(failure, idle);
}
// Coming back with the browser's button shows a page that waits for nothing.
addEventListener("pageshow", (event) => { if (event.persisted) idle(); });
