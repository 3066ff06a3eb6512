// Two buttons that save a figure as SVG or PNG. Plotly draws the file in the browser, through its own camera button.
export default {
  render({ model, el }) {
    el.classList.add("elnes-image");
    for (const format of ["svg", "png"]) {
      const button = document.createElement("button");
      button.className = "elnes-button";
      button.textContent = format.toUpperCase();
      button.title = `${model.get("help")} as ${format.toUpperCase()}`;
      button.onclick = () => {
        const figure = el.closest(".elnes-card").querySelector(".js-plotly-plot");
        const camera = figure?.querySelector(".modebar-btn[data-title^='Download plot']");
        if (!camera) return; // not drawn yet
        const options = figure._context.toImageButtonOptions, before = { ...options };
        Object.assign(options, { format, filename: model.get("name") });
        camera.click();
        Object.assign(options, { format: "png" }, before);
      };
      el.append(button);
    }
  },
};
