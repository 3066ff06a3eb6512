// A button that takes one file and sends it in pieces: a browser's connection to the kernel refuses large messages.
const PIECE = 1 << 20; // bytes

export default {
  render({ model, el }) {
    const button = document.createElement("button"), input = document.createElement("input");
    button.className = "elnes-button";
    button.textContent = model.get("label");
    button.title = model.get("help");
    Object.assign(input, { type: "file", accept: model.get("accept"), hidden: true, title: model.get("help") });
    button.onclick = () => input.click();
    const take = async (file) => {
      if (!file || button.disabled) return;
      if (file.size > model.get("limit")) {
        model.send({ type: "large", name: file.name, size: file.size });
        return;
      }
      button.disabled = true;
      try {
        const content = await file.arrayBuffer(), count = Math.max(1, Math.ceil(content.byteLength / PIECE));
        for (let i = 0; i < count; i++) {
          const piece = content.slice(i * PIECE, (i + 1) * PIECE);
          model.send({ type: "piece", name: file.name, index: i, count }, undefined, [piece]);
        }
      } catch {
        model.send({ type: "unread", name: file.name });
      } finally {
        button.disabled = false;
      }
    };
    input.onchange = () => {
      const file = input.files[0];
      take(file);
      input.value = ""; // the same file can be chosen again
    };
    el.append(button, input);
    if (!model.get("drop")) return;
    // The card is there once the whole panel is on the page.
    const card = () => el.closest(".elnes-card");
    const over = (event) => {
      const inside = card()?.contains(event.target) && [...(event.dataTransfer?.types ?? [])].includes("Files");
      card()?.classList.toggle("elnes-over", Boolean(inside) && event.type !== "drop");
      if (!inside) return;
      event.preventDefault();
      if (event.type === "drop") take(event.dataTransfer.files[0]);
    };
    for (const kind of ["dragover", "drop"]) document.addEventListener(kind, over);
    return () => { for (const kind of ["dragover", "drop"]) document.removeEventListener(kind, over); };
  },
};
