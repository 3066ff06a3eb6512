// Watches the page until it is alive, that is until page.js has taken the skeleton away. A page that makes no progress offers a
// button, loads itself anew once, and then says what is the matter; one that cannot come alive any more does so at once.
(() => {
  const KEY = "elnes-lab-reloaded";
  const ASK = 8; // s between questions whether the kernel is still there
  // s without progress; a page that waits in the background does not count. Where a small question to the server takes over a
  // second, a page takes as many times longer, and loading it anew would only be more work for the server.
  const OFFER = 20, RELOAD = 60, LONGEST = 5 * RELOAD;
  const OUTPUT = "script[type='application/vnd.voila.cell-output+json'], .jp-OutputArea-output, .jp-RenderedText";
  const SLOW = "This takes longer than usual: the server is busy, or the connection is slow. ";
  const FAILED = "The page could not be opened: the server has stopped, or it is too busy. Try again in a minute. ";
  // Before Voila listens, which ends the kernel even if the visitor is asked and stays (keep.js).
  addEventListener("beforeunload", (event) => window.elnesLabLeave?.(event));
  // As in page.js, which comes too late for the widgets of a page's first sight.
  const timeout = AbortSignal.timeout?.bind(AbortSignal);
  AbortSignal.timeout = (time) => timeout(time === 2000 ? 1000 * LONGEST : time);
  const store = (action, ...rest) => { try { return sessionStorage[action](KEY, ...rest); } catch { return null; } };
  let last = "", quiet = 0, beats = 0, broken = "", frames = 0, seconds = 0, timer = 0, slowest = 0, asked = 0;

  window.voila_heartbeat = () => { beats += 1; }; // the server's sign that the kernel is still at work
  addEventListener("error", (event) => {
    if (event.target?.src && !window.jupyterapp) broken = `could not load ${event.target.src}`; // a part of the page; plain errors have no src
  }, true);
  // Once a second: what moves at 60 pictures a second takes half a core from a machine that draws without a graphics card.
  const draw = () => requestAnimationFrame(() => { frames += 1; }); // none while the page cannot be seen

  function progress() {
    const manager = window.jupyterapp?.widgetManager;
    // Parts of the page; what asks again and again whether the kernel is there (ask, JupyterLab's services) is no progress.
    const parts = performance.getEntriesByType("resource").filter(({ name }) => !/\/api\/|labvariables/.test(name)).length;
    return [document.readyState, beats, parts, manager?.kernel?.connectionStatus,
      manager?.restoredStatus, Object.keys(manager?._models ?? {}).length].join();
  }

  // Why the page will not come alive, or an empty text.
  function lost() {
    if (document.readyState !== "complete") return "";
    const manager = window.jupyterapp?.widgetManager, cells = document.querySelector("#rendered_cells");
    if (broken) return broken;
    if (manager?.kernel?.status === "dead" || manager?.kernel?.connectionStatus === "disconnected") return "the kernel has ended";
    if (window.jupyterapp && !manager) return "the kernel has ended before the page was connected";
    if (!cells?.querySelector(OUTPUT)) return "the page came without what the kernel made";
    return /Error displaying widget/.exec(cells?.textContent ?? "")?.[0] ?? "";
  }

  function say(text) {
    const skeleton = document.querySelector("#elnes-skeleton");
    let line = skeleton?.querySelector(".help");
    if (!line) {
      line = document.createElement("p");
      line.className = "help";
      line.setAttribute("role", "alert");
      const button = document.createElement("button");
      button.textContent = "Reload the page";
      button.onclick = () => location.reload();
      line.append(document.createElement("span"), button);
      skeleton?.querySelector(".grid").before(line);
    }
    if (line.firstChild.textContent !== text) line.firstChild.textContent = text;
    skeleton?.toggleAttribute("data-lost", text === FAILED);
  }

  // Keeps the place while the page loads on a slow connection, and learns if there is no kernel any more.
  async function ask() {
    const { baseUrl, kernelId } = JSON.parse(document.querySelector("#jupyter-config-data")?.textContent ?? "{}");
    const begin = asked = performance.now();
    try {
      // Before there is a kernel, only to learn how busy the server is.
      const address = kernelId ? `${baseUrl}api/kernels/${kernelId}` : `${document.body.dataset.baseUrl}static/labvariables.css`;
      const { status } = await fetch(address, { cache: "no-store" });
      if (kernelId && status === 404) broken = "the kernel has ended";
    } catch { /* no connection; it may come back */ }
    slowest = Math.max(slowest, performance.now() - begin);
    asked = 0;
  }

  // s without progress after which the page is loaded anew.
  const patience = () => {
    const answer = Math.max(slowest, asked && performance.now() - asked) / 1000;
    return Math.min(RELOAD * Math.max(1, answer), LONGEST);
  };

  timer = setInterval(() => {
    if (document.readyState !== "loading" && !document.querySelector("#elnes-skeleton")) {
      timer = clearInterval(timer);
      store("removeItem");
      return;
    }
    seconds += 1;
    const dots = document.querySelector("#elnes-wait");
    if (dots) dots.textContent = ` ${".".repeat(1 + seconds % 3)}`;
    if (seconds % ASK === 0 && !asked) ask();
    const now = progress(), reason = lost();
    if (now !== last || !frames) quiet = 0;
    else quiet += 1;
    last = now;
    frames = 0;
    draw();
    if (!reason && quiet < OFFER) return;
    if ((reason && quiet > 2) || quiet >= patience()) {
      if (!store("getItem")) {
        store("setItem", reason || "no progress");
        if (store("getItem")) { location.reload(); return; } // where nothing can be kept it would do so again and again
      }
      console.warn(`ELNES Lab was not opened: ${reason || "no progress"}`);
      say(FAILED);
    } else if (!reason) say(SLOW);
  }, 1000);
  draw();
})();
