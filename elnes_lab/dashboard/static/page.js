// Share and theme buttons, sign of life to the kernel, what the browser can do; the rest of the page is made of widgets.
const KEY = "elnes-lab-theme";
const PING = 15000, PATIENCE = 40000; // ms between questions to the kernel, and how long one may stay unanswered
const LARGEST = 32; // MiB of a file to upload; half of what the server takes, voila_settings.LARGEST_MESSAGE
const MOST_LETTERS = 2 ** 20; // of a field: a message may have 4 MiB of text, kernel_manager.MOST_TEXT

// anywidget gives a widget 2 s to come alive, and then drops for good whatever the kernel sends it, though it comes alive later.
const timeout = AbortSignal.timeout?.bind(AbortSignal);
AbortSignal.timeout = (time) => timeout(time === 2000 ? 300000 : time);

// JupyterLab or Jupyter Notebook, in which this page is one output among others; they have a theme of their own.
const inNotebook = () => !document.body.dataset.voila && "jpThemeLight" in document.body.dataset;

function preferred() {
  if (inNotebook()) return document.body.dataset.jpThemeLight === "true" ? "light" : "dark";
  let stored = null;
  try { stored = localStorage.getItem(KEY); } catch { /* storage is blocked: follow the system */ }
  return stored ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}

function hasWebGL() {
  try {
    return Boolean(document.createElement("canvas").getContext("webgl2"));
  } catch {
    return false;
  }
}

// A line below the top bar that can be closed; `link`, if any, as a field to copy from. The newest one replaces the others.
function notice(el, text, link) {
  const root = el.closest(".elnes");
  root.querySelector(".elnes-notice")?.remove();
  const line = document.createElement("div");
  line.className = "elnes-notice";
  line.setAttribute("role", "status");
  line.append(text);
  if (link) {
    const field = document.createElement("input");
    field.readOnly = true;
    field.value = link;
    field.setAttribute("aria-label", field.title = "Link to this page");
    field.onfocus = () => field.select();
    line.append(field);
  }
  const close = document.createElement("button");
  close.className = "elnes-button";
  close.textContent = close.title = "Close";
  close.onclick = () => line.remove();
  line.append(close);
  root.querySelector(".elnes-top").after(line);
  return line;
}

// The address of a page: its name and, after it, what it shows as far as a link or Share has said so.
const shownBy = {}; // page -> query without its name
const named = (query) => new URLSearchParams(query).get("page");
function address(panel, first) {
  const query = [panel === first ? "" : `page=${panel}`, shownBy[panel] ?? ""].filter(Boolean).join("&");
  return `${location.origin}${location.pathname}${query && "?"}${query}`;
}

// Each page is a step of the browser's history, so that Back and Forward go from page to page.
function follow(model) {
  const first = model.get("panel"), here = named(location.search) ?? first;
  shownBy[here] = location.search.slice(1).split("&").filter((part) => part && !part.startsWith("page=")).join("&");
  history.replaceState({ panel: here }, "");
  const title = document.title;
  const moved = () => {
    const panel = model.get("panel");
    if (history.state?.panel !== panel) history.pushState({ panel }, "", address(panel, first));
    document.title = panel === first ? title : `${panel[0].toUpperCase()}${panel.slice(1).replace("-", " ")} – ${title}`;
  };
  const back = (event) => { if (event.state?.panel) model.send({ type: "panel", name: event.state.panel }); };
  model.on("change:panel", moved);
  window.addEventListener("popstate", back);
  return { first, end: () => window.removeEventListener("popstate", back) };
}

async function copy(el, model, first, { query, note }) {
  const panel = model.get("panel");
  shownBy[panel] = query;
  const link = address(panel, first);
  history.replaceState({ panel }, "", link); // so that a reload of the page keeps the selection, too
  const line = notice(el, "", link);
  let copied = false;
  try {
    await navigator.clipboard.writeText(link);
    copied = true;
  } catch { // only pages from this machine or with https may use the clipboard
    line.querySelector("input").select();
    try { copied = document.execCommand("copy"); } catch { /* by hand, then */ }
  }
  line.prepend(`${copied ? "The link to this page is copied." : "Copy this link to the page:"} ${note} `.trim() + " ");
}

// A file that is too large would break the connection to the kernel, and with it the page.
function refuseLargeFile(event, el) {
  const large = event.target.type === "file" && [...event.target.files].find((file) => file.size > LARGEST * 2 ** 20);
  if (!large) return;
  event.stopImmediatePropagation();
  event.target.value = "";
  const size = Math.round(large.size / 2 ** 20).toLocaleString("en");
  notice(el, `“${large.name}” has ${size} MiB. Files up to ${LARGEST} MiB can be uploaded; nothing was sent. `);
}

// As would a text that is too long, with what the field holds already.
function refuseLongText(event, el) {
  const text = event.data ?? event.dataTransfer?.getData("text/plain") ?? "", { value = "", selectionStart, selectionEnd } = event.target;
  const letters = value.length - (selectionEnd - selectionStart || 0) + text.length;
  if (!text || letters <= MOST_LETTERS) return;
  event.preventDefault();
  const [count, most] = [letters, MOST_LETTERS].map((number) => number.toLocaleString("en"));
  notice(el, `This text would have ${count} letters. A field takes ${most}; upload the text as a file. Nothing was changed. `);
}

// Listens to what happens inside the page of `el`, before anything else does. JupyterLab acts on plain keys (D, D deletes
// a cell), also while the focus is on a table or a button of this page: here they belong to the page; with Ctrl, Alt or
// Cmd they stay JupyterLab's, as Ctrl+S. A press on a figure brings the focus to the page, for its arrow keys.
function attend(el, notebook) {
  const root = (event) => { // looked up each time: `el` is not in the page yet, or its cell may be out of sight
    const page = el.closest(".elnes");
    return page?.contains(event.target) ? page : null;
  };
  const listeners = {
    change: (event) => root(event) && refuseLargeFile(event, el),
    beforeinput: (event) => root(event) && refuseLongText(event, el),
  };
  if (notebook) {
    listeners.mousedown = (event) => {
      const page = root(event);
      if (!page) return;
      page.tabIndex = -1;
      setTimeout(() => { // unless the press has brought it to a control; plotly keeps it where it was
        if (!page.contains(document.activeElement)) page.focus({ preventScroll: true });
      });
    };
    listeners.keydown = (event) => {
      const plain = !event.ctrlKey && !event.altKey && !event.metaKey;
      if (root(event)) event.target.toggleAttribute("data-lm-suppress-shortcuts", plain);
    };
  }
  for (const [kind, listener] of Object.entries(listeners)) window.addEventListener(kind, listener, true);
  return () => {
    for (const [kind, listener] of Object.entries(listeners)) window.removeEventListener(kind, listener, true);
  };
}

// Names and roles for those who hear the page: its widgets come without. Looked after whenever something has changed.
function describe(root) {
  const set = (element, name, value) => { if (element.getAttribute(name) !== value) element.setAttribute(name, value); };
  for (const nav of root.querySelectorAll(":scope > .elnes-nav")) {
    set(nav, "role", "navigation");
    set(nav, "aria-label", "Pages");
    for (const one of nav.querySelectorAll("button")) {
      if (one.classList.contains("mod-active")) set(one, "aria-current", "page");
      else one.removeAttribute("aria-current");
    }
  }
  const levels = [[".elnes-title b", "1"], [".elnes-heading", "2"]];
  for (const [selector, level] of levels) for (const heading of root.querySelectorAll(selector)) {
    set(heading, "role", "heading");
    set(heading, "aria-level", level);
  }
  for (const card of root.querySelectorAll(".elnes-card")) {
    const name = card.querySelector(".elnes-heading")?.textContent.replace(/\s+/g, " ").trim();
    set(card, "role", "region");
    set(card, "aria-label", name || "Filters");
    for (const group of card.querySelectorAll(".widget-toggle-buttons:not(.elnes-control *)")) {
      set(group, "role", "group");
      set(group, "aria-label", `${name || "Filters"}: what is shown`);
    }
  }
  for (const one of root.querySelectorAll(".jupyter-widget-toggle-button, .widget-toggle-buttons button")) {
    if (!one.closest(".elnes-nav")) set(one, "aria-pressed", String(one.classList.contains("mod-active")));
  }
  for (const control of root.querySelectorAll(".elnes-control")) {
    const label = control.querySelector(".widget-label")?.innerText.replace(/\s+/g, " ").trim();
    if (!label) continue;
    const handles = control.querySelectorAll(".noUi-handle");
    handles.forEach((handle, i) => {
      const end = handles.length > 1 ? [", lower end", ", upper end"][i] : "";
      set(handle, "aria-label", label + end);
    });
    for (const field of control.querySelectorAll("select, input:not([type=hidden])")) {
      const written = [...(field.labels ?? [])].some((one) => one.textContent.trim()); // ipywidgets adds an empty one
      if (!written && !field.closest(".noUi-target")) set(field, "aria-label", label);
    }
    for (const group of control.querySelectorAll(".widget-toggle-buttons")) {
      set(group, "role", "group");
      set(group, "aria-label", label);
    }
  }
}

// A control that is hidden, disabled or taken away with the focus on it hands it on to the next of its card.
const CONTROLS = "button, select, input:not([type=hidden]), textarea, [tabindex='0']";
const usable = (one) => one.isConnected && one.getClientRects().length && !one.disabled;

function keepFocus(root) {
  let last = null, card = null, place = 0, timer = 0;
  const places = () => [...(card?.isConnected ? card : root).querySelectorAll(CONTROLS)];
  const came = (event) => {
    last = event.target;
    card = last.closest(".elnes-card, .elnes-nav, .elnes-top");
    place = places().indexOf(last);
  };
  const look = () => {
    timer = 0;
    if (!last || usable(last) || ![document.body, last].includes(document.activeElement)) return;
    const all = places(), next = [...all.slice(Math.max(place, 0)), ...all.slice(0, Math.max(place, 0)).reverse()].find(usable);
    (next ?? root.querySelector(".elnes-nav button.mod-active"))?.focus({ preventScroll: true });
  };
  const observer = new MutationObserver(() => {
    if (last && (last.disabled || document.activeElement === document.body)) timer ||= setTimeout(look, 100);
  });
  const options = { childList: true, subtree: true, attributeFilter: ["class", "style", "disabled"] };
  observer.observe(root, options);
  root.addEventListener("focusin", came);
  root.addEventListener("pointerdown", () => { last = null; }, true); // a press brings the focus where it goes
  return () => { clearTimeout(timer); observer.disconnect(); root.removeEventListener("focusin", came); };
}

function describeAlways(el) {
  let waiting = 0;
  const later = () => { waiting ||= setTimeout(() => {
    waiting = 0;
    const root = el.closest(".elnes");
    if (root) describe(root);
  }, 300); };
  const observer = new MutationObserver(later);
  let released = () => {};
  // The page is not in the document yet; its frame is as soon as it is drawn.
  const begin = () => {
    const root = el.closest(".elnes");
    if (!root) return void (waiting = setTimeout(() => { waiting = 0; begin(); }, 100));
    observer.observe(root, { childList: true, subtree: true, attributeFilter: ["class"] });
    released = keepFocus(root);
    later();
  };
  begin();
  return () => { clearTimeout(waiting); observer.disconnect(); released(); };
}

// Says that the kernel does not answer. Voila's page is lost then; in a notebook a cell may only keep the kernel busy.
function gone(root, notebook) {
  const bar = document.createElement("div");
  bar.className = "elnes-gone";
  bar.setAttribute("role", "alert");
  if (notebook) {
    bar.textContent = "The kernel does not answer: it is busy with another cell, or it has stopped. " +
      "If it was stopped or restarted, run this cell again.";
  } else {
    bar.textContent = "The computation behind this page does not answer: it has stopped, or the machine is overloaded. ";
    const reload = document.createElement("button");
    reload.textContent = "Reload the page";
    reload.onclick = () => location.reload();
    bar.append(reload);
  }
  root.prepend(bar);
}

export default {
  render({ model, el }) {
    const notebook = inNotebook();
    const button = document.createElement("button");
    button.className = "elnes-theme";
    const apply = (theme) => {
      document.documentElement.dataset.elnesTheme = theme;
      button.textContent = theme === "dark" ? "Light" : "Dark";
      button.title = `Show the page in ${theme === "dark" ? "light" : "dark"} colours`;
      button.setAttribute("aria-label", button.title);
      model.send({ type: "theme", dark: theme === "dark" });
    };
    button.onclick = () => {
      const theme = document.documentElement.dataset.elnesTheme === "dark" ? "light" : "dark";
      try { localStorage.setItem(KEY, theme); } catch { /* the choice lasts as long as the page */ }
      apply(theme);
    };
    const voila = Boolean(document.body.dataset.voila); // JupyterLab's address says nothing about this page
    if (voila) {
      const share = document.createElement("button");
      share.className = "elnes-button elnes-share";
      share.textContent = "Share";
      share.title = "Copy a link that opens this page with what is chosen, filtered and plotted on it now";
      share.onclick = () => model.send({ type: "share" });
      el.append(share);
    }
    const observer = new MutationObserver(() => apply(preferred()));
    if (notebook) observer.observe(document.body, { attributeFilter: ["data-jp-theme-light"] });
    else el.append(button);
    apply(preferred());
    document.querySelector("#elnes-skeleton")?.remove();

    // When the oldest question was asked that has no answer yet, or 0. Counted from the question, not from the last answer:
    // a page that was itself held up (a laptop asleep, a busy machine) has not asked, so nobody has failed to answer.
    let asked = 0, looked = Date.now();
    const listen = (message) => {
      if (message?.type === "pong") {
        asked = 0;
        el.closest(".elnes")?.querySelector(":scope > .elnes-gone")?.remove(); // it was busy
      } else if (message?.type === "link") copy(el, model, walk.first, message);
      else if (message?.type === "notice") notice(el, `${message.text} `);
    };
    model.on("msg:custom", listen);
    const unheard = describeAlways(el);
    const release = attend(el, notebook), walk = voila ? follow(model) : null; // JupyterLab's address is its own
    model.send({ type: "ready", webgl: hasWebGL(), query: voila ? location.search : "" });
    const timer = setInterval(() => {
      const now = Date.now(), late = now - looked > 2 * PING;
      looked = now;
      if (document.hidden || late) asked = 0; // browsers slow hidden pages down; answers may still wait to be read
      if (document.hidden) return;
      const root = el.closest(".elnes"); // none while JupyterLab has taken a cell out of sight out of the page
      if (root && asked && now - asked > PATIENCE && !root.querySelector(":scope > .elnes-gone")) gone(root, notebook);
      asked ||= now; // also while it counts as gone: the answer of one that was only busy takes the line away
      try { model.send({ type: "ping" }); } catch { /* no connection: it stays unanswered */ }
    }, PING);
    return () => {
      clearInterval(timer);
      observer.disconnect();
      release();
      walk?.end();
      unheard();
      model.off("msg:custom", listen);
    };
  },
};
