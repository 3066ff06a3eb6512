// Table of all spectra: only the rows in sight exist in the page, so that thousands scroll and sort at once.
const ROW = 32; // px, the same as in style.css
const SELECTED = -2; // sorts by whether a row is selected
const KEPT = 3, MOST = 24; // selected rows above the list: so many in sight, so many listed
const DASHES = { solid: "none", dash: "8 4", dot: "3 3", dashdot: "8 3 3 3" };

export default {
  render({ model, el }) {
    const columns = model.get("columns");
    let rows = model.get("rows");
    let order = [], sort = { column: -1, down: false }, focus = 0, anchor = 0, own = false;
    let room = 0, many = 0; // of the selected rows above the list: lines, rows
    let pressed = false, late = false; // rows made anew under a pressed mouse button would swallow the click
    el.classList.add("elnes-table");
    el.innerHTML = `<div class="head" role="row"></div>
      <div class="kept" role="list" aria-label="Selected spectra" hidden></div>
      <div class="body" role="grid" tabindex="0" aria-multiselectable="true"><div class="rows"></div></div>
      <div class="none" hidden>No spectrum passes these filters.</div>`;
    const [head, kept, body, none] = el.children, inner = body.firstChild;
    body.setAttribute("aria-label", model.get("help"));
    body.title = "";

    const selected = () => new Set(model.get("selected"));
    const choose = (indices) => { own = true; model.set("selected", indices); model.save_changes(); };

    columns.forEach((column, i) => {
      const cell = document.createElement("button");
      cell.className = `cell ${column.class}`;
      cell.title = column.help;
      cell.dataset.column = column.key;
      cell.innerHTML = `<span>${column.label}</span><i></i><small>${column.unit}</small>`;
      cell.onclick = () => {
        if (sort.column !== i) sort = { column: i, down: false };
        else if (!sort.down) sort.down = true;
        else sort = { column: -1, down: false };
        body.scrollTop = 0;
        arrange();
      };
      head.append(cell);
    });
    const marked = document.createElement("button");
    marked.className = "cell mark";
    marked.title = "List the selected spectra first";
    marked.innerHTML = "<span>●</span><i></i>";
    marked.onclick = () => {
      sort = { column: sort.column === SELECTED ? -1 : SELECTED, down: false };
      body.scrollTop = 0;
      arrange();
    };
    head.prepend(marked);

    function arrange() {
      order = [...model.get("visible")];
      const { column, down } = sort;
      if (column === SELECTED) {
        const chosen = selected();
        order.sort((a, b) => chosen.has(b) - chosen.has(a) || a - b);
      } else if (column >= 0) {
        const value = (row) => rows[row][column];
        order.sort((a, b) => {
          const x = value(a), y = value(b);
          if (x === null || y === null) return (x === null) - (y === null) || a - b; // no value: always last
          const sign = typeof x === "string" ? x.localeCompare(y, "en", { numeric: true }) : x - y;
          return (down ? -sign : sign) || a - b;
        });
      }
      [...head.querySelectorAll("button")].slice(1).forEach((cell, i) => {
        const state = i === column ? (down ? "descending" : "ascending") : "none";
        cell.setAttribute("aria-sort", state);
        cell.querySelector("i").textContent = i === column ? (down ? "▼" : "▲") : "";
      });
      marked.classList.toggle("sorted", column === SELECTED);
      inner.style.height = `${order.length * ROW}px`;
      none.hidden = order.length > 0;
      body.setAttribute("aria-rowcount", order.length);
      focus = Math.max(0, Math.min(focus, order.length - 1));
      draw();
    }

    function mark(index) {
      const style = model.get("swatches")[index];
      if (!style) return '<svg viewBox="0 0 26 12"><rect class="box" x="8" y="1" width="10" height="10" rx="2"/></svg>';
      return `<svg viewBox="0 0 26 12"><line x1="1" x2="25" y1="6" y2="6" stroke="${style[0]}" stroke-width="4"
        stroke-dasharray="${DASHES[style[1]]}"/></svg>`;
    }

    function format(value, column) {
      if (value === null) return '<span class="missing" title="not defined for this site">–</span>';
      if (typeof value === "number") return value.toFixed(column.digits);
      const text = document.createElement("span");
      text.textContent = value;
      return text.innerHTML;
    }

    function draw() {
      late = pressed;
      if (pressed) return;
      const first = Math.max(0, Math.floor(body.scrollTop / ROW) - 6);
      const last = Math.min(order.length, Math.ceil((body.scrollTop + body.clientHeight) / ROW) + 6);
      const chosen = selected();
      let html = "";
      for (let i = first; i < last; i++) {
        const index = order[i], on = chosen.has(index);
        html += `<div class="row${on ? " on" : ""}${i === focus ? " focus" : ""}" role="row" aria-selected="${on}"
          aria-rowindex="${i + 1}" data-site="${index}" style="top:${i * ROW}px"><span class="cell mark"
          title="Add to the plot or remove from it">${mark(index)}</span>`;
        columns.forEach((column, c) => {
          html += `<span class="cell ${column.class}">${format(rows[index][c], column)}</span>`;
        });
        html += "</div>";
      }
      inner.innerHTML = html;
    }

    // The selected rows stay in sight above the list, however it is sorted, filtered or scrolled. The list gives them its
    // room and is moved by as much, so that the row under the mouse stays there.
    function keep() {
      if (!model.get("pinned")) return;
      late ||= pressed;
      if (pressed) return;
      const chosen = model.get("selected"), listed = new Set(model.get("visible"));
      const line = (index) => {
        const out = !listed.has(index), name = format(rows[index][0], columns[0]);
        const cells = columns.slice(1).map((column, c) =>
          `<span class="cell ${column.class}">${format(rows[index][c + 1], column)}</span>`);
        return `<div class="keep${out ? " out" : ""}" role="listitem" data-kept="${index}">
          <button class="cell mark" title="Remove from the plot" aria-label="Remove from the plot">${mark(index)}</button>
          <button class="cell ${columns[0].class}" title="${out ? "Does not pass the filters" : "Show it in the list"}">${name}</button>
          ${cells.join("")}</div>`;
      };
      const rest = chosen.length - MOST;
      kept.innerHTML = chosen.slice(0, MOST).map(line).join("") + (rest > 0 ? `<div class="keep more">and ${rest} more</div>` : "");
      kept.hidden = !chosen.length;
      const now = Math.min(KEPT, chosen.length);
      el.style.setProperty("--kept", `${now * ROW}px`);
      if (own) body.scrollTop += (now - room) * ROW;
      if (chosen.length > many) kept.scrollTop = kept.scrollHeight;
      [room, many, own] = [now, chosen.length, false];
    }

    kept.onclick = (event) => {
      const index = Number(event.target.closest(".keep")?.dataset.kept ?? NaN);
      if (Number.isNaN(index)) return;
      if (event.target.closest(".mark")) { toggle(index); return; }
      const i = order.indexOf(index);
      if (i < 0) return;
      focus = i;
      show(i);
      draw();
    };

    // Brings a row into sight, below whole rows.
    function show(i) {
      const seen = i * ROW >= body.scrollTop && (i + 1) * ROW <= body.scrollTop + body.clientHeight;
      if (!seen) body.scrollTop = Math.max(0, i - Math.floor(body.clientHeight / ROW / 2)) * ROW;
    }

    function toggle(index) {
      const now = model.get("selected");
      choose(now.includes(index) ? now.filter((one) => one !== index) : [...now, index]);
    }

    function extend(to) {
      const [low, high] = [Math.min(anchor, to), Math.max(anchor, to)];
      const range = order.slice(low, high + 1);
      choose([...new Set([...model.get("selected"), ...range])]);
    }

    inner.onclick = (event) => {
      const row = event.target.closest(".row");
      if (!row) return;
      const i = order.indexOf(Number(row.dataset.site));
      if (i < 0) return;
      focus = i;
      if (event.shiftKey) extend(i);
      else if (event.ctrlKey || event.metaKey || event.target.closest(".mark")) { anchor = i; toggle(order[i]); }
      else { anchor = i; choose([order[i]]); }
    };

    const released = () => setTimeout(() => { // after the click
      pressed = false;
      if (late) { keep(); draw(); }
    });
    for (const one of [inner, kept]) one.addEventListener("pointerdown", () => { pressed = true; });
    for (const kind of ["pointerup", "pointercancel"]) window.addEventListener(kind, released);

    function reveal(i) {
      const top = i * ROW;
      if (top < body.scrollTop) body.scrollTop = top;
      else if (top + ROW > body.scrollTop + body.clientHeight) body.scrollTop = top + ROW - body.clientHeight;
    }

    body.onkeydown = (event) => {
      const page = Math.max(1, Math.floor(body.clientHeight / ROW) - 1);
      const step = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity }[event.key];
      if (step !== undefined) {
        focus = Math.max(0, Math.min(order.length - 1, focus + step));
        if (event.shiftKey) extend(focus);
        reveal(focus);
        draw();
      } else if (event.key === " " && order.length) { anchor = focus; toggle(order[focus]); }
      else if (event.key === "Enter" && order.length) { anchor = focus; choose([order[focus]]); }
      else if (event.key === "Escape") choose([]);
      else return;
      event.preventDefault();
    };

    let previous = selected();
    const changed = () => {
      const now = model.get("selected"), added = now.filter((index) => !previous.has(index));
      previous = new Set(now);
      const i = added.length ? order.indexOf(added[added.length - 1]) : -1;
      if (i >= 0 && !own) show(i); // chosen elsewhere
      keep();
      own &&= late; // until the rows above the list are made
      draw();
    };
    const filtered = () => { body.scrollTop = 0; keep(); arrange(); };
    const recoloured = () => { keep(); draw(); };
    const renewed = () => { rows = model.get("rows"); filtered(); };
    body.onscroll = () => requestAnimationFrame(draw);
    const observer = new ResizeObserver(draw);
    observer.observe(body);
    model.on("change:selected", changed);
    model.on("change:swatches", recoloured);
    model.on("change:visible", filtered);
    model.on("change:rows", renewed);
    keep();
    arrange();
    return () => {
      observer.disconnect();
      for (const kind of ["pointerup", "pointercancel"]) window.removeEventListener(kind, released);
      model.off("change:selected", changed);
      model.off("change:swatches", recoloured);
      model.off("change:visible", filtered);
      model.off("change:rows", renewed);
    };
  },
};
