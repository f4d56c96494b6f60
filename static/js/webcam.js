// Taking photos with the camera of the machine: one click, one photo, handed to the form like a
// chosen file. The picture leaves the browser only when somebody takes it.
import { icon } from "./lib/toast.js";

const dialog = document.getElementById("camera");
const video = dialog?.querySelector("video");
const say = (words) => { dialog.querySelector("[data-camera-words]").textContent = words; };
const WHY = {
  NotAllowedError: "The browser does not let this page use the camera. Allow it beside the address.",
  NotFoundError: "There is no camera.",
  NotReadableError: "Another program uses the camera.",
};
let stream = null;
let taken = 0;

document.querySelector("[data-open-camera]")?.addEventListener("click", open);
dialog?.addEventListener("close", stop);
dialog?.querySelector("[data-take]").addEventListener("click", take);

async function open() {
  dialog.showModal();
  taken = 0;
  const button = dialog.querySelector("[data-take]");
  button.disabled = true;
  if (!navigator.mediaDevices) {
    say("Browsers give the camera only to pages under https:// or on localhost. Ask for this page under such an address.");
    return;
  }
  say("Waiting for the camera …");
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 }, height: { ideal: 720 } } });
  } catch (error) {
    say(WHY[error.name] ?? `The camera cannot be used: ${error.message}`);
    return;
  }
  if (!dialog.open) {
    stop();
    return;
  }
  video.srcObject = stream;
  await video.play();
  button.disabled = false;
  say("Look into the camera. Two or three photos from different sides work much better than one.");
}

function stop() {
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = null;
  video.srcObject = null;
}

async function take() {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  const blob = await new Promise((done) => { canvas.toBlob(done, "image/jpeg", 0.95); });
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
  taken += 1;
  hand(new File([blob], `camera ${stamp} ${taken}.jpg`, { type: "image/jpeg" }));
  say(taken === 1 ? "One photo taken." : `${taken} photos taken.`);
  dialog.querySelector("[data-camera-mark]").replaceChildren(icon("check"));
}

function hand(file) {
  const input = document.querySelector("form[data-add-photos] input[name=photos]");
  const files = new DataTransfer();
  files.items.add(file);
  input.files = files.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}
