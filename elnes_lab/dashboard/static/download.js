// A button that asks the kernel for a file and saves the answer; the file is only made when it is asked for.
export default {
  render({ model, el }) {
    const button = document.createElement("button");
    button.className = "elnes-button";
    const label = () => { button.textContent = model.get("label"); button.title = model.get("help"); };
    const receive = (message, buffers) => {
      if (message?.type === "failed") button.disabled = false;
      if (message?.type !== "file") return;
      button.disabled = false;
      const url = URL.createObjectURL(new Blob([buffers[0]], { type: "application/octet-stream" }));
      const link = document.createElement("a");
      link.href = url;
      link.download = message.name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(url), 10000);
    };
    button.onclick = () => { button.disabled = true; model.send({ type: "wanted" }); };
    label();
    model.on("change:label change:help", label);
    model.on("msg:custom", receive);
    el.append(button);
    return () => { model.off("msg:custom", receive); };
  },
};
