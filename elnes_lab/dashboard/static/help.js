// The button "?": what the terms mean, and a tour of a few steps. The tour is a line in the page that covers nothing; it begins by
// itself at the first visit, never over a link to something, nor on a telephone, nor in a notebook.
const KEY = "elnes-lab-toured";
const WIDE = "(min-width: 700px)";

const seen = {
  get() { try { return localStorage.getItem(KEY); } catch { return "blocked"; } }, // else it would come at every visit
  set() { try { localStorage.setItem(KEY, "1"); } catch { /* nothing is kept */ } },
};

function button(text, title, onclick) {
  const made = document.createElement("button");
  made.className = "elnes-button";
  made.textContent = text;
  made.title = title;
  made.onclick = onclick;
  return made;
}

// A dialog of the browser's own: Escape closes it, and the focus goes back to where it was.
function glossary(model, begin) {
  const dialog = document.createElement("dialog"), list = document.createElement("dl"), bar = document.createElement("div");
  const heading = document.createElement("h2");
  dialog.className = "elnes-glossary";
  heading.textContent = "What the words mean";
  heading.id = "elnes-glossary-title";
  dialog.setAttribute("aria-labelledby", heading.id);
  for (const [term, text] of model.get("terms")) {
    const word = document.createElement("dt"), meaning = document.createElement("dd");
    word.textContent = term;
    meaning.textContent = text;
    list.append(word, meaning);
  }
  list.tabIndex = 0; // so that keys scroll it
  list.setAttribute("aria-label", heading.textContent);
  const tour = button("Take the tour", "Two minutes: what is where on these pages", () => { dialog.close(); begin(); });
  const close = button("Close", "Close (Escape)", () => dialog.close());
  close.autofocus = true;
  bar.append(heading, tour, close);
  dialog.append(bar, list);
  dialog.onclick = (event) => { if (event.target === dialog) dialog.close(); }; // beside it
  return dialog;
}

export default {
  render({ model, el }) {
    const steps = model.get("tour");
    let line = null, marked = null, place = 0;
    const root = () => el.closest(".elnes");
    const ask = button("?", "What the words mean, and a tour of two minutes", () => {
      dialog ??= el.appendChild(glossary(model, () => begin(true)));
      dialog.showModal();
    });
    let dialog = null;
    ask.classList.add("elnes-help-button");
    ask.setAttribute("aria-label", "Help: what the words mean, and a tour");
    ask.setAttribute("aria-haspopup", "dialog");
    el.append(ask);

    const target = (step) => [...root().querySelectorAll(step.where)].find((one) => one.getClientRects().length);
    function mark(step) {
      marked?.classList.remove("elnes-toured");
      marked = step && target(step);
      marked?.classList.add("elnes-toured");
    }
    function end() {
      if (!line) return;
      const inside = line.contains(document.activeElement);
      mark(null);
      line.remove();
      line = null;
      if (inside) ask.focus();
    }
    // What is not on the page in front is passed over.
    function go(by) {
      const next = place + by;
      for (place = next; steps[place] && !target(steps[place]);) place += Math.sign(by) || 1;
      if (!steps[place]) return end();
      const [text, back, on] = line.children;
      text.textContent = `${place + 1} of ${steps.length}. ${steps[place].text}`;
      back.disabled = !steps.slice(0, place).some(target);
      on.textContent = place === steps.length - 1 ? "Done" : "Next";
      mark(steps[place]);
    }
    function begin(asked) {
      end();
      line = document.createElement("div");
      line.className = "elnes-tour";
      line.setAttribute("role", "region");
      line.setAttribute("aria-label", "Tour");
      const text = document.createElement("p");
      text.setAttribute("aria-live", "polite");
      const on = button("Next", "Go on with the tour", () => go(1));
      line.append(text, button("Back", "One step back", () => go(-1)), on, button("Close", "End the tour (Escape)", end));
      root().querySelector(":scope > .elnes-top").after(line);
      seen.set();
      place = 0;
      go(0);
      if (asked) on.focus(); // at the first visit the focus is nobody's business
    }

    const press = (event) => {
      if (event.key === "Escape" && (event.target === document.body || line?.contains(event.target))) end();
    };
    document.addEventListener("keydown", press);
    const linked = [...new URLSearchParams(location.search).keys()].some((key) => key !== "token");
    const first = document.body.dataset.voila && !linked && !seen.get() && matchMedia(WIDE).matches;
    // The page is not in the document yet; it is as soon as it is drawn.
    let timer = first ? setInterval(() => {
      if (!root()?.querySelector(".elnes-spectra .main-svg")) return;
      timer = clearInterval(timer);
      begin(false);
    }, 500) : 0;
    return () => {
      clearInterval(timer);
      document.removeEventListener("keydown", press);
      mark(null);
      line?.remove();
    };
  },
};
