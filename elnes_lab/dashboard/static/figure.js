// One Plotly for all figures of a page: plotly's own widget carries its 5 MB of JavaScript in every figure.
// Voila serves plotly's bundle as a file (see voila_settings.py); elsewhere the first figure asks the kernel for it.
function fromServer() {
  const { voila, baseUrl } = document.body.dataset;
  if (!voila) return Promise.reject();
  return import(new URL(`${baseUrl}static/plotly-widget.js`, location.href).href);
}

function fromKernel(model) {
  return new Promise((resolve, reject) => {
    const receive = (message, buffers) => {
      if (message?.type !== "plotly") return;
      model.off("msg:custom", receive);
      const url = URL.createObjectURL(new Blob([buffers[0]], { type: "text/javascript" }));
      import(url).then(resolve, reject).finally(() => URL.revokeObjectURL(url));
    };
    model.on("msg:custom", receive);
    model.send({ type: "plotly" });
  });
}

function bundle(model) {
  const loaded = (globalThis.elnesLabPlotly ??= {});
  return (loaded[model.get("plotly_version")] ??= fromServer().catch(() => fromKernel(model)));
}

export default () => {
  let figure;
  return {
    // Neither function waits: the page handles the kernel's answer only after all its widgets have been set up.
    initialize({ model }) {
      figure = bundle(model).then((library) => {
        const made = library.default();
        made.initialize({ model });
        return made;
      });
    },
    render({ model, el }) {
      // On a telephone the title of an axis can be longer than the axis: it is moved back into the figure.
      const inside = () => {
        const frame = el.getBoundingClientRect();
        for (const text of el.querySelectorAll(".infolayer :is(.xtitle, .x2title)")) {
          text.style.transform = "";
          const { left, right } = text.getBoundingClientRect(), over = right - frame.right + 2;
          if (over > 0) text.style.transform = `translateX(${-Math.min(over, Math.max(left - frame.left, 0))}px)`;
        }
      };
      el.classList.add("elnes-figure");
      el.style.height = `${model.get("_widget_layout").height}px`;
      let remove, gone = false, width = el.clientWidth, height = el.clientHeight;
      const rendered = (event) => {
        if (event.detail.element !== el) return;
        document.removeEventListener("plotlywidget-after-render", rendered);
        model.send({ type: "rendered" });
        el.on?.("plotly_afterplot", inside);
        inside();
        // Drawn before its container had a width, a figure takes a width of its own; the style sheet may want another height.
        const { width, height } = el._fullLayout ?? {};
        if (el.clientWidth && (width !== el.clientWidth || height !== el.clientHeight)) window.dispatchEvent(new Event("resize"));
      };
      document.addEventListener("plotlywidget-after-render", rendered);
      figure.then((made) => {
        if (!gone) remove = made.render({ model, el });
      }, (problem) => { el.textContent = `The figure cannot be drawn: ${problem}. Reload the page.`; });
      // Plotly only listens to the window; a container also changes with its panel, its filters, its scroll bar and the style sheet.
      const observer = new ResizeObserver(() => {
        if (!el.clientWidth || (el.clientWidth === width && el.clientHeight === height)) return;
        [width, height] = [el.clientWidth, el.clientHeight];
        window.dispatchEvent(new Event("resize"));
      });
      observer.observe(el);
      return () => {
        gone = true;
        observer.disconnect();
        document.removeEventListener("plotlywidget-after-render", rendered);
        remove?.();
      };
    },
  };
};
