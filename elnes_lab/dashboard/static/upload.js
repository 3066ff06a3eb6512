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
    input.onchange = async () => {
      const file = input.files[0];
      input.value = ""; // the same file can be chosen again
      if (!file) return;
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
    el.append(button, input);
  },
};
