// Labels and points on a photo keep their size on the screen, whatever the photo's size is.

export function fitLabels(photo) {
  const svg = photo.querySelector("svg");
  const width = svg.viewBox.baseVal.width;
  const shown = svg.getBoundingClientRect().width;
  if (!width || !shown) return;
  const scale = width / shown;
  for (const label of svg.querySelectorAll("[data-label]")) {
    const inset = 12 * scale;
    const x = Math.min(Math.max(Number(label.dataset.x), inset), width - inset);
    const y = Math.max(Number(label.dataset.y), inset);
    label.setAttribute("transform", `translate(${x} ${y}) scale(${scale})`);
  }
  for (const point of svg.querySelectorAll("[data-fixed]")) {
    point.setAttribute("r", String(Number(point.dataset.fixed) * scale));
  }
}

/** Let a photo grow to its place, at most to three times its size and the window's height. */
export function fitPhoto(photo, width, height) {
  photo.style.setProperty("--ratio", String(width / height));
  photo.style.setProperty("--largest", `${width * 3}px`);
  photo.classList.add("photo-fit");
}

export function watchPhoto(photo) {
  const { width, height } = photo.querySelector("svg").viewBox.baseVal;
  fitPhoto(photo, width, height);
  new ResizeObserver(() => fitLabels(photo)).observe(photo);
  photo.querySelector("img").addEventListener("load", () => fitLabels(photo));
  fitLabels(photo);
}
