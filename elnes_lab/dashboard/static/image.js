// Two buttons that save a figure as SVG or PNG, and the size and letters of all saved figures. Plotly draws the file in the
// browser, through its own camera button, which copies the figure at once: what is changed for the file is put back after.
const KEY = "elnes-lab-figure-size", CHANGED = "elnes-figure-size";
const TEXT = "#101828"; // letters of a saved figure, whatever the colours of the page

function stored(sizes) {
  let name = null;
  try { name = localStorage.getItem(KEY); } catch { /* storage is blocked: the first size */ }
  return name in sizes ? name : Object.keys(sizes)[0];
}

function drawn(el, target) {
  const card = el.closest(".elnes-card");
  return [...card.querySelectorAll(".js-plotly-plot")].find((one) =>
    one.getClientRects().length && (!target || one.closest(`.${target}`)));
}

// What differs in the file from the page: title, letters, size, a legend also where the page has no room for one.
function prepared(figure, size, title, hidden) {
  const before = { layout: figure.layout, visible: figure.data.map((trace) => trace.visible) };
  const layout = structuredClone(figure.layout), named = figure.data.filter((trace) =>
    trace.visible !== false && trace.name && trace.showlegend !== false).length;
  layout.font = { ...layout.font, size: size.font, color: TEXT };
  layout.paper_bgcolor = layout.plot_bgcolor = "white";
  for (const [key, axis] of Object.entries(layout)) {
    if (/^[xy]axis\d*$/.test(key) && axis.title?.font) axis.title.font.size = size.font;
  }
  const lines = title ? 1 : 0, rows = layout.legend?.orientation === "h" ? 1 : 0;
  if (title) {
    layout.title = { text: title, x: 0.02, xanchor: "left", y: 1, yanchor: "top", yref: "container",
      pad: { t: 10 }, font: { size: size.font + 2, color: TEXT } };
    if (rows) layout.legend.y = 1 - (2 * size.font + 6) / (size.height ?? figure.clientHeight);
  }
  layout.margin = { ...layout.margin, t: Math.max(layout.margin?.t ?? 20, 12 + (lines * 2 + rows * 2) * size.font) };
  const labelled = layout.annotations?.some((one) => one.visible !== false && one.text); // names at the curves themselves
  if (named > 1 && layout.showlegend === false && named <= 24 && !labelled) {
    layout.showlegend = true;
    layout.legend = { ...layout.legend, x: 1.01, xanchor: "left", y: 1, yanchor: "top" };
  }
  figure.layout = layout;
  for (const trace of figure.data) if (hidden.includes(String(trace.meta))) trace.visible = false;
  return () => {
    figure.layout = before.layout;
    figure.data.forEach((trace, i) => { trace.visible = before.visible[i]; });
  };
}

export default {
  render({ model, el }) {
    el.classList.add("elnes-image");
    const sizes = model.get("sizes"), choice = document.createElement("select");
    for (const name of Object.keys(sizes)) choice.add(new Option(name, name));
    choice.title = "Size and letters of the saved figures, on all pages";
    choice.setAttribute("aria-label", choice.title);
    choice.value = stored(sizes);
    choice.onchange = () => {
      try { localStorage.setItem(KEY, choice.value); } catch { /* the choice lasts as long as the page */ }
      window.dispatchEvent(new CustomEvent(CHANGED, { detail: choice.value }));
    };
    const follow = (event) => { choice.value = event.detail; };
    window.addEventListener(CHANGED, follow);
    for (const format of ["svg", "png"]) {
      const button = document.createElement("button");
      button.className = "elnes-button";
      button.textContent = format.toUpperCase();
      button.title = `${model.get("help")} as ${format.toUpperCase()}`;
      button.onclick = () => {
        const figure = drawn(el, model.get("target"));
        const camera = figure?.querySelector(".modebar-btn[data-title^='Download plot']");
        if (!camera) return; // not drawn yet
        const { width, height, font } = sizes[choice.value];
        const size = { font, width: width ?? figure.clientWidth, height: height ?? figure.clientHeight };
        const options = figure._context.toImageButtonOptions, before = { ...options };
        const restore = prepared(figure, size, model.get("title"), model.get("hidden"));
        try {
          Object.assign(options, { format, filename: model.get("name"), width: size.width, height: size.height,
            scale: format === "svg" ? 1 : 2 });
          camera.click();
        } finally {
          restore();
          for (const key of Object.keys(options)) delete options[key];
          Object.assign(options, before);
        }
      };
      el.append(button);
    }
    el.append(choice);
    return () => window.removeEventListener(CHANGED, follow);
  },
};
