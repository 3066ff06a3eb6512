// Figures: the templates that elnes_lab.figures made, filled with numbers, drawn by Plotly, and saved as a table.
import { element } from "./widget.js";

const observed = new WeakMap(), newest = new WeakMap();
// Plotly is the largest of the files: what needs no figure does not wait for it.
export const plotly = globalThis.Plotly ? Promise.resolve(globalThis.Plotly) : new Promise((resolve, reject) => {
  const script = document.querySelector("script[src*=plotly]");
  script.addEventListener("load", () => resolve(globalThis.Plotly));
  script.addEventListener("error", () => reject(new Error("plotly.min.js")));
});

// A place for a figure; style: class by which the style sheet and the image buttons know it.
export function place(style, name) {
  return element("div", { class: `elnes-figure ${style}`, role: "img", "aria-label": name });
}

// The figure in its container's width, at the template's height or that of the style sheet.
export async function draw(el, { data, layout }, config) {
  if (!el.isConnected || !el.getClientRects().length) return; // a page in the back: drawn when it comes to the front
  el.style.height = `${layout.height}px`;
  const own = structuredClone(layout);
  delete own.height;
  const wanted = {};
  newest.set(el, wanted);
  const library = await plotly;
  if (newest.get(el) !== wanted || !el.getClientRects().length) return; // meanwhile another one was, or another page
  await library.react(el, data, own, config);
  inside(el);
  if (observed.has(el)) return;
  let width = el.clientWidth, height = el.clientHeight;
  const observer = new ResizeObserver(() => {
    if (!el.clientWidth || (el.clientWidth === width && el.clientHeight === height)) return;
    [width, height] = [el.clientWidth, el.clientHeight];
    library.Plots.resize(el);
  });
  observer.observe(el);
  observed.set(el, observer);
  el.on("plotly_afterplot", () => inside(el));
}

// On a telephone the title of an axis can be longer than the axis: it is moved back into the figure.
function inside(el) {
  const frame = el.getBoundingClientRect();
  for (const text of el.querySelectorAll(".infolayer :is(.xtitle, .x2title)")) {
    text.style.transform = "";
    const { left, right } = text.getBoundingClientRect(), over = right - frame.right + 2;
    if (over > 0) text.style.transform = `translateX(${-Math.min(over, Math.max(left - frame.left, 0))}px)`;
  }
}

// A copy of a template whose traces take the properties that `filled` has for them by their meta; the others are hidden.
export function fill(template, filled, layout = {}) {
  const data = template.data.map((trace) => {
    const wanted = filled[trace.meta];
    return wanted ? { ...trace, visible: true, ...wanted } : { ...trace, x: [], y: [], visible: false };
  });
  return { data, layout: { ...template.layout, ...layout } };
}

// An axis of a template with other properties.
export const axis = (template, name, changed) => ({ ...template.layout[name], ...changed });
export const titled = (template, name, text) => ({ ...template.layout[name].title, text });

// Outline of the band between two curves, there along the upper one and back along the lower.
export function band(x, lower, upper) {
  return { x: [...x, ...[...x].reverse()], y: [...upper, ...[...lower].reverse()] };
}

const plain = (text) => (text ?? "").replaceAll("<br>", " ").replaceAll(/<\/?b>/g, "").split(/\s+/).join(" ").trim();
const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
export const number = (value) => (value === null || value === undefined || value === "" ? ""
  : typeof value === "string" ? value : Number.isFinite(value) ? String(Number(value.toPrecision(7))) : "");

// Columns { name, values } as text; notes: lines before them that begin with #.
export function table(columns, notes) {
  const lines = [...notes.map((note) => `# ${note}`), columns.map(({ name }) => quoted(name)).join(",")];
  const longest = Math.max(0, ...columns.map(({ values }) => values.length));
  for (let i = 0; i < longest; i++) lines.push(columns.map(({ values }) => quoted(number(values[i]))).join(","));
  return `${lines.join("\n")}\n`;
}

// The curves and points that a figure shows, as elnes_lab.figures.table.figure_csv writes them: a column for each, after that of
// its x values, which curves with the same share; a band becomes its two ends.
export function figureTable(el, notes) {
  const columns = [], layout = el.layout;
  const title = (letter, trace) => {
    const number = (trace[`${letter}axis`] ?? letter).slice(1);
    const others = Object.keys(layout).filter((key) => key.startsWith(`${letter}axis`)).map((key) => layout[key].title?.text);
    return plain(layout[`${letter}axis${number}`]?.title?.text ?? others.find(Boolean) ?? letter);
  };
  let last = null;
  for (const trace of el.data) {
    let x = [...trace.x ?? []], y = [...trace.y ?? []];
    const meta = String(trace.meta), name = plain(trace.name);
    if (trace.visible === false || !x.length || x.every((value) => value === null) || meta.startsWith("spread")) continue;
    const found = [];
    if (trace.fill === "toself") {
      const half = x.length / 2;
      if (meta === "change") continue;
      found.push([name || "upper end of the interval", y.slice(0, half)]);
      found.push([name || "lower end of the interval", y.slice(half).reverse()]);
      x = x.slice(0, half);
    } else if (name) {
      if (Array.isArray(trace.text) && trace.text.length === x.length) found.push([`${name}, of`, trace.text]);
      found.push([name, y]);
    } else continue;
    const heading = title("x", trace), key = `${heading}:${x.join()}`;
    if (key !== last) columns.push({ name: heading, values: x });
    last = key;
    for (const [what, values] of found) columns.push({ name: `${title("y", trace)}: ${what}`, values });
  }
  return table(columns, notes);
}
