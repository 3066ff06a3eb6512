// Theme button, sign of life to the kernel, and what the browser can do; the rest of the page is made of widgets.
const KEY = "elnes-lab-theme";
const PING = 15000, PATIENCE = 30000; // ms between questions to the kernel, and until it counts as gone

function preferred() {
  let stored = null;
  try { stored = localStorage.getItem(KEY); } catch { /* storage is blocked: follow the system */ }
  const { voila, jpThemeLight } = document.body.dataset;
  if (!stored && !voila && jpThemeLight) return jpThemeLight === "true" ? "light" : "dark"; // as JupyterLab around it
  return stored ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}

function hasWebGL() {
  try {
    return Boolean(document.createElement("canvas").getContext("webgl2"));
  } catch {
    return false;
  }
}

export default {
  render({ model, el }) {
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
    el.append(button);
    apply(preferred());
    document.querySelector("#elnes-skeleton")?.remove();
    model.send({ type: "ready", webgl: hasWebGL() });

    let heard = Date.now();
    const listen = (message) => { if (message?.type === "pong") heard = Date.now(); };
    model.on("msg:custom", listen);
    const timer = setInterval(() => {
      if (document.hidden) { heard = Date.now(); return; } // browsers slow hidden pages down
      if (Date.now() - heard > PATIENCE) {
        clearInterval(timer);
        const gone = document.createElement("div");
        gone.className = "elnes-gone";
        gone.setAttribute("role", "alert");
        gone.innerHTML = "The computation behind this page has stopped, so nothing here will respond any more. ";
        const reload = document.createElement("button");
        reload.textContent = "Reload the page";
        reload.onclick = () => location.reload();
        gone.append(reload);
        el.closest(".elnes").prepend(gone);
        return;
      }
      try { model.send({ type: "ping" }); } catch { heard = Math.min(heard, Date.now() - PATIENCE); }
    }, PING);
    return () => { clearInterval(timer); model.off("msg:custom", listen); };
  },
};
