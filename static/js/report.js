// The report page: plots in the colours of the theme, and one threshold moved through all of them.
const source = JSON.parse(document.getElementById("report-plots").textContent);
const ON_SCORES = ["scores", "rates"];
const percent = new Intl.NumberFormat("en", { style: "percent", maximumSignificantDigits: 2 });
const slider = document.querySelector("[data-slider]");
const input = slider?.querySelector("input");

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// light-dark() is resolved by the browser only where a colour is used.
function used(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

// A legend below the axis needs a place in pixels; Plotly wants it as a share of the plot's height.
function below(area, figure) {
  const named = figure.data.filter((trace) => trace.showlegend !== false).length;
  const rows = innerWidth < 720 ? named : Math.ceil(named / 3);
  const height = area.clientHeight - 80 - 20 * rows;
  return { ...figure.layout.legend, y: -56 / Math.max(80, height) };
}

function themed(layout) {
  const [ink, line] = [used("--ink-soft"), used("--line")];
  const axis = { gridcolor: line, linecolor: line, tickcolor: line, automargin: true, fixedrange: innerWidth < 720 };
  return {
    ...layout,
    xaxis: { ...layout.xaxis, ...axis },
    yaxis: { ...layout.yaxis, ...axis },
    font: { family: colour("--font"), size: 12, color: ink },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    hoverlabel: { bgcolor: used("--surface"), bordercolor: line, font: { color: used("--ink") } },
  };
}

function drawAll() {
  for (const area of document.querySelectorAll("[data-plot]")) {
    const figure = source.figures[area.dataset.plot];
    const config = { ...figure.config, displayModeBar: false };
    const layout = { ...themed(figure.layout), legend: below(area, figure) };
    window.Plotly.react(area, figure.data, layout, config);
  }
  if (input) move();
}

// The last point at or below the threshold; the counts between two points do not change.
function at(curve, value) {
  let low = 0;
  let high = curve.at.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (curve.at[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function oneIn(share) {
  return share > 0 ? `1 in ${Math.max(1, Math.round(1 / share)).toLocaleString("en")}` : "none of those measured";
}

function sentence(value) {
  const { pairs, searches } = source.curves;
  const said = [];
  if (searches && value >= searches.at[0]) {
    const place = at(searches, value);
    said.push(`Of strangers, ${oneIn(value > searches.at.at(-1) ? 0 : searches.fpir[place])} would be named; of enrolled people, ${percent.format(searches.fnir[place])} would be missed.`);
  }
  if (pairs) {
    const place = at(pairs, value);
    said.push(`Of pairs of two people, ${oneIn(pairs.fmr[place])} would count as one; of pairs of one person, ${percent.format(pairs.fnmr[place])} would not.`);
  }
  return said.join(" ");
}

function move() {
  const value = Number(input.value);
  slider.querySelector("[data-threshold]").textContent = value.toFixed(3).replace("-", "−");
  slider.querySelector("[data-sentence]").textContent = sentence(value);
  const ink = used("--ink");
  for (const name of ON_SCORES) {
    const area = document.querySelector(`[data-plot="${name}"]`);
    if (!area) continue;
    const rest = source.figures[name].layout.shapes ?? [];
    const line = { type: "line", x0: value, x1: value, yref: "paper", y0: 0, y1: 1, line: { color: ink, width: 2 } };
    window.Plotly.relayout(area, { shapes: [...rest, line] });
  }
  const { pairs, searches } = source.curves;
  if (pairs) mark("roc", pairs.fmr[at(pairs, value)], 1 - pairs.fnmr[at(pairs, value)], ink);
  if (searches) mark("open_set", searches.fpir[at(searches, value)], searches.fnir[at(searches, value)], ink);
  if (pairs) markStretched("det", at(pairs, value), ink);
}

// One point on a curve, as a trace after those of the figure.
function mark(name, x, y, ink) {
  const area = document.querySelector(`[data-plot="${name}"]`);
  if (!area || x === undefined || (name !== "det" && !(x > 0))) return;
  const own = source.figures[name].data.length;
  const marker = { color: ink, size: 10 };
  const trace = { type: "scatter", mode: "markers", x: [x], y: [y], marker, showlegend: false, hoverinfo: "skip" };
  if (area.data.length > own) window.Plotly.restyle(area, { x: [[x]], y: [[y]] }, [own]);
  else window.Plotly.addTraces(area, trace);
}

// The axes of the DET are stretched: its own points say where the rates lie.
function markStretched(name, place, ink) {
  const trace = source.figures[name]?.data[0];
  const { fmr, fnmr } = source.curves.pairs;
  const found = trace?.customdata?.findIndex(([a, b]) => a === fmr[place] && b === fnmr[place]) ?? -1;
  if (found >= 0) mark(name, trace.x[found], trace.y[found], ink);
}

if (input) {
  input.value = source.threshold;
  slider.hidden = false;
  input.addEventListener("input", move);
}
drawAll();
new MutationObserver(drawAll).observe(document.documentElement, { attributeFilter: ["data-theme"] });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
