// List of trained models: a plain table with a check box per row; at most two are ticked, the latest ones.
export default {
  render({ model, el }) {
    el.classList.add("elnes-runs");
    const table = document.createElement("table");
    el.append(table);
    let pressed = false, late = false; // boxes made anew under a pressed mouse button would swallow the click

    function draw() {
      late = pressed;
      if (pressed) return;
      const columns = model.get("columns"), ticked = model.get("ticked");
      const focused = table.contains(document.activeElement) ? document.activeElement.dataset.name : null;
      table.replaceChildren();
      const head = table.createTHead().insertRow();
      for (const column of [{ label: "", help: "Tick one to see it, two to compare them" }, ...columns]) {
        const cell = document.createElement("th");
        cell.scope = "col";
        cell.title = column.help;
        cell.className = column.class ?? "";
        cell.textContent = column.label;
        head.append(cell);
      }
      const body = table.createTBody();
      for (const row of model.get("rows")) {
        const line = body.insertRow(), box = document.createElement("input");
        const place = ticked.indexOf(row.name);
        box.type = "checkbox";
        box.checked = place >= 0;
        box.dataset.name = row.name;
        box.title = `Show ${row.name} in the comparison`;
        box.setAttribute("aria-label", box.title);
        box.onchange = () => {
          const others = model.get("ticked").filter((name) => name !== row.name);
          model.set("ticked", box.checked ? [...others, row.name].slice(-2) : others);
          model.save_changes();
        };
        line.classList.toggle("on", box.checked);
        if (place >= 0) line.dataset.place = place;
        line.insertCell().append(box);
        for (const column of columns) {
          const cell = line.insertCell(), value = row[column.key];
          cell.className = column.class ?? "";
          cell.textContent = value === null ? "–" : typeof value === "number" ? value.toFixed(column.digits) : value;
          if (value === null) cell.title = "not measured";
        }
        if (focused === row.name) box.focus();
      }
    }

    // Messages are handled in order: when this one is, the figures before it have been drawn.
    const answer = (message) => { if (message?.type === "drawn?") setTimeout(() => model.send({ type: "drawn" })); };
    model.on("msg:custom", answer);
    draw();
    const released = () => setTimeout(() => { // after the click
      pressed = false;
      if (late) draw();
    });
    table.addEventListener("pointerdown", () => { pressed = true; });
    for (const kind of ["pointerup", "pointercancel"]) window.addEventListener(kind, released);
    model.on("change:rows change:ticked change:columns", draw);
    return () => {
      for (const kind of ["pointerup", "pointercancel"]) window.removeEventListener(kind, released);
      model.off("msg:custom", answer);
      model.off("change:rows change:ticked change:columns", draw);
    };
  },
};
