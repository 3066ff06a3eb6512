// Left and right arrow anywhere in the panel that this widget stands in, except where a control needs them itself.
export default {
  render({ model, el }) {
    const press = (event) => {
      const panel = el.closest(".elnes-site-panel");
      if (!panel?.getClientRects().length || event.ctrlKey || event.altKey || event.metaKey) return;
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
