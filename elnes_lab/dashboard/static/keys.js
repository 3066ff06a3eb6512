// Left and right arrow anywhere in the page of this widget's panel, except where a control needs them itself. In a
// notebook there are cells around the page: what is typed there is not meant.
export default {
  render({ model, el }) {
    const press = (event) => {
      const panel = el.closest(".elnes-site-panel");
      if (!panel?.getClientRects().length || event.ctrlKey || event.altKey || event.metaKey) return;
      if (event.target !== document.body && !panel.closest(".elnes").contains(event.target)) return;
      if (event.target.closest?.("input, select, textarea, [role=slider], .noUi-handle, .weas-widget")) return;
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!by) return;
      event.preventDefault();
      model.send({ type: "step", by });
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  },
};
