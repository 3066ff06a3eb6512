// What stands in the place of ipywidgets and its kernel: the model that the dashboard's own modules (table.js, page.js, ...)
// ask and tell, and the controls, with the class names that the dashboard's style sheet knows.
export class Traits {
  // answer: called with every message that a kernel would get
  constructor(values, answer = () => {}) {
    this.values = { ...values };
    this.answer = answer;
    this.listeners = {};
  }

  get(name) { return this.values[name]; }

  set(name, value) {
    if (JSON.stringify(this.values[name]) === JSON.stringify(value)) return;
    this.values[name] = value;
    this.emit(`change:${name}`);
  }

  save_changes() {}

  on(names, listener) { for (const name of names.split(" ")) (this.listeners[name] ??= new Set()).add(listener); }

  off(names, listener) { for (const name of names.split(" ")) this.listeners[name]?.delete(listener); }

  emit(name, ...values) { for (const listener of [...this.listeners[name] ?? []]) listener(...values); }

  send(message) { this.answer(message); }

  receive(message) { this.emit("msg:custom", message); }
}

// An element. properties: of the element; class, and names with a hyphen, as attributes; children: elements and texts.
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "class" || name.includes("-")) made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children);
  return made;
}

export const html = (text, style = "") => element("div", { class: `widget-html ${style}` },
  element("div", { class: "widget-html-content", innerHTML: text }));
export const write = (made, text) => { made.firstChild.innerHTML = text; };
export const escaped = (text) => String(text).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
export const card = (...children) => element("div", { class: "elnes-card" }, ...children);
export const bar = (...children) => element("div", { class: "elnes-bar" }, ...children);
export const hide = (made, hidden) => made.classList.toggle("elnes-hidden", hidden);

export function control(label, widget, style = "") {
  return element("div", { class: `elnes-control ${style}` }, element("div", { class: "widget-label" }, label), widget);
}

export function button(text, title, onclick, style = "") {
  return element("button", { class: `jupyter-button ${style}`, type: "button", title, onclick }, text);
}

// options: [text, value] each; changed(value). `value` of the result can be set without telling.
export function dropdown(options, value, title, changed) {
  const select = element("select", { title });
  const made = element("div", { class: "widget-dropdown" }, select);
  let values;
  const fill = (options) => {
    values = options.map(([, value]) => value);
    select.replaceChildren(...options.map(([text]) => element("option", {}, text)));
  };
  fill(options);
  select.onchange = () => changed(values[select.selectedIndex]);
  Object.defineProperty(made, "value", {
    get: () => values[select.selectedIndex],
    set: (wanted) => { select.selectedIndex = values.indexOf(wanted); },
  });
  made.fill = fill;
  made.value = value;
  return made;
}

// options: [text, value, help] each; one of them is pressed.
export function toggles(options, value, changed) {
  const buttons = options.map(([text, wanted, help]) => button(text, help, () => {
    if (made.value === wanted) return;
    made.value = wanted;
    changed(wanted);
  }, "widget-toggle-button"));
  const made = element("div", { class: "widget-toggle-buttons" }, ...buttons);
  let now;
  Object.defineProperty(made, "value", {
    get: () => now,
    set: (wanted) => {
      now = wanted;
      buttons.forEach((one, i) => {
        one.classList.toggle("mod-active", options[i][1] === wanted);
        one.setAttribute("aria-pressed", String(options[i][1] === wanted));
      });
    },
  });
  made.value = value;
  return made;
}

export function search(placeholder, title, changed) {
  const input = element("input", { type: "text", placeholder, title, spellcheck: false });
  input.oninput = () => changed(input.value);
  const made = element("div", { class: "widget-text" }, input);
  Object.defineProperty(made, "value", { get: () => input.value, set: (text) => { input.value = text; } });
  return made;
}

// One handle, or two (value: a pair) that cannot pass each other; the label says the value with `written`.
export function slider({ label, help, low, high, step, value, written, changed }) {
  const pair = Array.isArray(value), output = element("output"), ends = pair ? [", lower end", ", upper end"] : [""];
  // By these two classes page.js gives each handle a name of its own, with what the label says now.
  const inputs = ends.map((end) => element("input", { class: "noUi-handle", type: "range", min: low, max: high, step, title: help,
    "aria-label": `${label}${end}` }));
  const read = () => inputs.map((one) => Number(one.value));
  const show = () => {
    output.textContent = written(pair ? read() : read()[0]);
    const share = (x) => 100 * (x - low) / ((high - low) || 1), [a, b] = pair ? read() : [low, read()[0]];
    track.style.setProperty("--from", `${share(a)}%`);
    track.style.setProperty("--to", `${share(b)}%`);
  };
  const track = element("div", { class: `elnes-range noUi-target ${pair ? "elnes-pair" : ""}` }, ...inputs);
  const made = control(element("span", { title: help }, `${label} `, output), track);
  inputs.forEach((one, i) => {
    one.oninput = () => {
      const other = inputs[1 - i];
      if (other && (i ? Number(one.value) < Number(other.value) : Number(one.value) > Number(other.value))) one.value = other.value;
      show();
      changed(pair ? read() : read()[0]);
    };
  });
  Object.defineProperty(made, "value", {
    get: () => (pair ? read() : read()[0]),
    set: (wanted) => { [].concat(wanted).forEach((x, i) => { inputs[i].value = x; }); show(); },
  });
  made.value = value;
  return made;
}

export function save(name, type, content) {
  const url = URL.createObjectURL(new Blob([content], { type }));
  element("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}
