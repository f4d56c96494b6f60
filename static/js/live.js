// The live page: frames of the webcam go to the API one after the other; nothing is stored.
// Faces are followed, and a name is shown once several frames agree on it.
import { Following } from "./lib/following.js";

const LEAST_MS = 200; // at most five frames a second
const WIDEST = 960;
const WORDS = { looking: "Looking …", unknown: "Not in the database", low_quality: "Too poor to tell" };
const SVG = "http://www.w3.org/2000/svg";

const page = document.querySelector("[data-live]");
if (page) start(page);

function start(root) {
  const part = (name) => root.querySelector(`[data-live-${name}]`);
  const button = part("switch");
  const video = root.querySelector("video");
  let stream = null;
  let following = new Following();

  if (!window.isSecureContext || !navigator.mediaDevices?.getUserMedia) {
    button.disabled = true;
    refuse("Browsers open a webcam only on pages that came by HTTPS or from localhost, and this page did not. Ask whoever runs the platform for its HTTPS address.");
    return;
  }
  button.addEventListener("click", () => (stream ? stop() : open()));
  addEventListener("pagehide", stop);

  async function open() {
    refuse("");
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 } } });
    } catch (error) {
      refuse(error.name === "NotAllowedError" ? "The browser was not allowed to use the webcam." : "There is no webcam that can be used.");
      return;
    }
    following = new Following();
    video.srcObject = stream;
    await video.play();
    part("stage").hidden = false;
    show(true);
    loop(stream);
  }

  function stop() {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = null;
    video.srcObject = null;
    draw({ width: 1, height: 1, faces: [] });
    part("stage").hidden = true;
    show(false);
  }

  function show(on) {
    button.textContent = on ? "Stop" : "Start the webcam";
    button.setAttribute("aria-pressed", String(on));
    if (!on) part("pace").textContent = "";
  }

  async function loop(mine) {
    while (stream === mine) {
      const began = performance.now();
      if (!document.hidden && video.videoWidth) {
        try {
          const frame = await ask(await shot(video));
          if (stream !== mine) return;
          draw({ ...frame, faces: following.update(frame.faces) });
          const took = Math.max(LEAST_MS, performance.now() - began);
          part("pace").textContent = `${(1000 / took).toFixed(1)} frames per second`;
        } catch (error) {
          if (stream === mine) stop();
          refuse(error.message);
          return;
        }
      }
      const rest = Math.max(20, LEAST_MS - (performance.now() - began));
      await new Promise((done) => { setTimeout(done, rest); });
    }
  }

  async function ask(picture) {
    const body = new FormData();
    body.append("image", picture, "frame.jpg");
    const token = root.querySelector("[name=csrfmiddlewaretoken]").value;
    const response = await fetch(part("gallery").value, { method: "POST", body, headers: { "X-CSRFToken": token, Accept: "application/json" } });
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) throw new Error(answer.detail ?? "The platform gave no answer.");
    return answer;
  }

  function draw({ width, height, faces }) {
    const svg = part("stage").querySelector("svg");
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.replaceChildren(...faces.map((face) => drawn(face, width)));
    const names = faces.map(nameOf);
    const list = part("names");
    if (list.dataset.shown === names.join("\n")) return;
    list.dataset.shown = names.join("\n");
    list.replaceChildren(...names.map((name) => Object.assign(document.createElement("li"), { textContent: name })));
  }

  function refuse(text) {
    const notice = part("refusal");
    notice.hidden = !text;
    notice.querySelector("p").textContent = text;
  }
}

const nameOf = (face) => face.identity?.name ?? WORDS[face.decision] ?? WORDS.unknown;

function drawn(face, width) {
  const [x1, y1, x2, y2] = face.box;
  const group = document.createElementNS(SVG, "g");
  group.setAttribute("class", `face-box face-box-${face.decision}`);
  for (const name of ["face-edge", "face-line"]) {
    const box = document.createElementNS(SVG, "rect");
    const shape = { class: name, x: x1, y: y1, width: x2 - x1, height: y2 - y1 };
    for (const [key, value] of Object.entries(shape)) box.setAttribute(key, value);
    group.append(box);
  }
  const text = document.createElementNS(SVG, "text");
  const size = width / 36;
  const place = { class: "live-name", x: x1, y: Math.max(size, y1 - size / 3), "font-size": size };
  for (const [key, value] of Object.entries(place)) text.setAttribute(key, value);
  text.textContent = nameOf(face);
  group.append(text);
  return group;
}

function shot(video) {
  const scale = Math.min(1, WIDEST / video.videoWidth);
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(video.videoWidth * scale);
  canvas.height = Math.round(video.videoHeight * scale);
  canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
  return new Promise((done, fail) => {
    canvas.toBlob((blob) => (blob ? done(blob) : fail(new Error("The frame could not be read."))), "image/jpeg", 0.85);
  });
}
