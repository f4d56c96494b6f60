// The page of a video: names drawn over the player, and everything that leads to a moment.

const SVG = "http://www.w3.org/2000/svg";
const AFTER = 0.05; // seconds into an interval, so that the face is there
let paths = null;

document.addEventListener("click", (event) => {
  const target = event.target.closest("[data-seek]");
  if (!target) return;
  const video = document.querySelector("[data-video-stage] video");
  if (!video) return;
  event.preventDefault();
  video.currentTime = Number(target.dataset.seek) + AFTER;
  video.scrollIntoView({ block: "nearest" });
});
document.addEventListener("htmx:beforeSwap", (event) => {
  // While something in it is open, a name is perhaps being typed: it is not renewed then.
  const part = document.getElementById("video-answer");
  if (event.detail.target !== part || !part.querySelector("details[open]")) return;
  event.detail.shouldSwap = false;
});
document.addEventListener("htmx:afterSettle", begin);
begin();

async function begin() {
  const root = document.querySelector("[data-video]");
  const video = root?.querySelector("[data-video-stage] video");
  if (!video || video.dataset.followed) return;
  video.dataset.followed = "yes";
  const response = await fetch(root.dataset.paths, { headers: { Accept: "application/json" } });
  if (!response.ok) return;
  paths = await response.json();
  const follow = () => {
    if (!video.isConnected) return;
    draw(root, video);
    requestAnimationFrame(follow);
  };
  follow();
}

function draw(root, video) {
  const total = Number(root.dataset.seconds) || video.duration || 1;
  const x = Math.min(1000, (1000 * video.currentTime) / total);
  for (const line of root.querySelectorAll("[data-now]")) {
    line.setAttribute("x1", x);
    line.setAttribute("x2", x);
  }
  const svg = root.querySelector("[data-video-stage] svg");
  const width = video.videoWidth || 1;
  const height = video.videoHeight || 1;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  fit(svg, video, width / height);
  const boxes = paths.tracks.map((track) => place(track, video.currentTime)).filter(Boolean);
  svg.replaceChildren(...boxes.map((box) => shape(box, width, height)));
}

// The picture lies in the middle of the player; the drawing covers the picture alone.
function fit(svg, video, ratio) {
  const { clientWidth, clientHeight } = video;
  const width = Math.min(clientWidth, clientHeight * ratio);
  const height = width / ratio;
  svg.style.setProperty("width", `${width}px`);
  svg.style.setProperty("height", `${height}px`);
  svg.style.setProperty("left", `${(clientWidth - width) / 2}px`);
  svg.style.setProperty("top", `${(clientHeight - height) / 2}px`);
}

function place(track, time) {
  const rows = track.path;
  const slack = paths.step;
  if (!rows.length || time < rows[0][0] - slack / 2 || time > rows.at(-1)[0] + slack / 2) return null;
  let low = 0;
  let high = rows.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (rows[middle][0] <= time) low = middle;
    else high = middle - 1;
  }
  const before = rows[low];
  const after = rows[Math.min(low + 1, rows.length - 1)];
  const gap = after[0] - before[0];
  if (gap > 3 * slack && time - before[0] > slack && after[0] - time > slack) return null;
  const share = gap > 0 ? Math.min(1, Math.max(0, (time - before[0]) / gap)) : 0;
  return { track, box: before.slice(1).map((value, index) => value + share * (after[index + 1] - value)) };
}

function shape({ track, box }, width, height) {
  const group = document.createElementNS(SVG, "g");
  group.setAttribute("class", `face-box face-box-${track.decision}`);
  const [x1, y1, x2, y2] = [box[0] * width, box[1] * height, box[2] * width, box[3] * height];
  for (const name of ["face-edge", "face-line"]) {
    const rect = document.createElementNS(SVG, "rect");
    for (const [key, value] of Object.entries({ class: name, x: x1, y: y1, width: x2 - x1, height: y2 - y1 })) rect.setAttribute(key, value);
    group.append(rect);
  }
  const text = document.createElementNS(SVG, "text");
  const size = Math.max(12, height / 30);
  for (const [key, value] of Object.entries({ class: "live-name", x: x1, y: Math.max(size, y1 - size / 3), "font-size": size })) text.setAttribute(key, value);
  text.textContent = track.label;
  group.append(text);
  return group;
}
