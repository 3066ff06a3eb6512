// The frame: loads the data, shows one page at a time, keeps what is shown in the address. The dashboard's page.js does the theme,
// Share, Back and Forward, and the names for those who hear the page; its help.js the glossary and the tour.
import page from "./page.js";
import help from "./help.js";
import { Browse } from "./browse.js";
import { CoreHole } from "./corehole.js";
import { Inspect } from "./inspect.js";
import { Networks } from "./network.js";
import { Predict } from "./predict.js";
import { Sites } from "./curves.js";
import { Traits, button, element, html, write } from "./widget.js";
import { load, manifest } from "./data.js";
import { plotly } from "./plots.js";

const MAKERS = { browse: Browse, inspect: Inspect, "core-hole": CoreHole, predict: Predict };
const WAITING = { inspect: Inspect, "core-hole": CoreHole }; // for the predictions
const LONGEST = 6000; // characters of a query: what proxies and mail programs pass on
const root = document.querySelector(".elnes");
const document_ = document.documentElement;

class App {
  constructor(content) {
    const { words, templates, models, packs, structures_problem: lacking } = content;
    Object.assign(this, { words, templates, models, packs, axes: content.axes, panels: {}, current: null, site: null });
    this.problems = { structures: lacking };
    this.structures = null;
    this.predictions = packs.predictions ? undefined : null; // undefined: on its way
    this.networks = packs.networks ? undefined : null;
  }

  async open() {
    const [table, spectra] = await Promise.all([load(this.packs.table), load(this.packs.spectra)]);
    this.sites = new Sites(this.axes, table, spectra, this.words.browse.channels);
    this.frame();
    const asked = new URLSearchParams(location.search).get("page") ?? "browse", pairs = this.pairs(location.search);
    this.show(asked in MAKERS ? asked : "browse");
    await new Promise(requestAnimationFrame); // something is seen before WebGL is tried, which can take long
    // With Browse as the page that it begins with, whichever it is, so that page.js calls the others by their names.
    page.render({ model: this.traits, el: this.tools });
    help.render({ model: new Traits({ terms: this.words.glossary, tour: this.words.tour }), el: this.helper });
    this.started = true;
    this.traits.set("panel", this.current);
    if (!(asked in MAKERS)) this.traits.receive({ type: "notice", text: `There is no page “${asked.slice(0, 40)}” here.` });
    if (pairs.length) this.read(pairs);
    await plotly;
    document_.dataset.elnesLoaded = "spectra";
    performance.mark("elnes-usable");
    new MutationObserver(() => this.panels[this.current].structure?.draw()).observe(document_, { attributeFilter: ["data-elnes-theme"] });
    await this.rest();
  }

  // What the first page can be used without, so that nothing is fetched any more afterwards.
  async rest() {
    const [pdos, structures, predictions, networks] = ["pdos", "structures", "predictions", "networks"].map((name) =>
      (this.packs[name] ? load(this.packs[name]) : null)); // all at once, shown in this order
    this.sites.pdos = (await pdos).pdos;
    this.redraw();
    this.structures = (await structures).structures;
    this.redraw();
    if (predictions) {
      this.predictions = await predictions;
      for (const name of Object.keys(WAITING)) {
        if (!this.asked?.[name]) continue;
        this.panels[name].open(this.asked[name]);
      }
      this.redraw();
    }
    if (networks) {
      this.networks = new Networks(await networks);
      this.redraw();
    }
    document_.dataset.elnesLoaded = "all";
    performance.mark("elnes-all");
  }

  redraw() { this.panels[this.current].shown(); }

  frame() {
    this.count = html("", "elnes-count");
    this.tools = element("div");
    this.helper = element("div");
    const { words } = this;
    this.traits = new Traits({ panel: "browse" }, (message) => this.answer(message));
    this.nav = words.pages.map(({ name, title, help: text }) => button(title, text, () => this.show(name), "widget-toggle-button"));
    this.body = element("div");
    const title = html(`<b>${words.title}</b><span>${words.about}</span>`, "elnes-title");
    root.replaceChildren(element("header", { class: "elnes-top" }, title, this.count, this.tools, this.helper),
      element("nav", { class: "elnes-nav" }, element("div", { class: "widget-toggle-buttons" }, ...this.nav)),
      this.body, element("footer", { class: "elnes-foot" }, html(words.footer)));
  }

  // What page.js tells its kernel.
  answer({ type, name, webgl }) {
    if (type === "ready") this.webgl = webgl;
    if (type === "ping") this.traits.receive({ type: "pong" });
    else if (type === "panel" && name in MAKERS) {
      this.show(name);
      this.read(this.pairs(location.search));
    } else if (type === "share") {
      const [query, note] = this.query();
      this.traits.receive({ type: "link", query, note });
    }
  }

  show(name) {
    if (!this.panels[name]) {
      const panel = new MAKERS[name](this);
      this.panels[name] = panel;
      this.body.append(panel.root);
      this.begin = { ...this.begin, [name]: String(panel.link()) };
    }
    this.current = name;
    for (const [other, { root: its }] of Object.entries(this.panels)) its.classList.toggle("elnes-hidden", other !== name);
    this.nav.forEach((one, i) => one.classList.toggle("mod-active", this.words.pages[i].name === name));
    if (this.started) this.traits.set("panel", name);
    const panel = this.panels[name];
    if (this.site) panel.follow(this.site);
    panel.shown();
    this.changed();
  }

  // The site that was chosen last, which the other pages show, too.
  choose(label, panel) {
    if (panel === this.panels[this.current]) this.site = label;
  }

  changed() {
    const panel = this.panels[this.current];
    if (!panel) return;
    const { planned } = this.words, rest = planned > this.sites.count ? ` (${planned.toLocaleString("en")} planned)` : "";
    write(this.count, panel.status() + rest);
    if (!this.waiting) this.waiting = requestAnimationFrame(() => { this.waiting = 0; this.keep(); });
  }

  // The query of the page in front, and a sentence on what does not fit into it.
  query() {
    let pairs = this.panels[this.current].link(), note = "";
    const written = () => pairs.map(([key, value]) => `${key}=${encodeURIComponent(value).replaceAll("%2F", "/").replaceAll("%2C", ",")}`).join("&");
    const all = pairs.find(([key]) => key === "sites")?.[1].split(",") ?? [];
    for (let count = all.length; written().length > LONGEST && count > 0;) {
      count = Math.floor(count * Math.min(0.95, LONGEST / written().length));
      pairs = pairs.map(([key, value]) => [key, key === "sites" ? all.slice(0, count).join(",") : value]);
      note = `The link holds the first ${count} of the ${all.length.toLocaleString("en")} selected sites.`;
    }
    return [written(), note];
  }

  // The address says what is shown, so that a reload, a bookmark and Back bring it back.
  keep() {
    const name = this.current, panel = this.panels[name], same = String(panel.link()) === this.begin[name];
    if (this.predictions === undefined && name in WAITING) return; // not shown yet
    const query = [name === "browse" ? "" : `page=${name}`, same && name === "browse" ? "" : this.query()[0]].filter(Boolean).join("&");
    if (history.state?.panel !== name) return;
    history.replaceState({ panel: name }, "", `${location.pathname}${query && "?"}${query}`);
  }

  pairs(text) { return [...new URLSearchParams(text.slice(0, 4 * LONGEST))].filter(([key]) => key !== "page"); }

  // Show what the pairs of an address ask for; a page whose data are on their way does so later.
  read(pairs) {
    const name = this.current;
    if (name in WAITING && this.predictions === undefined) { this.asked = { ...this.asked, [name]: pairs }; return; }
    const ignored = this.panels[name].open(pairs);
    if (ignored.length) {
      this.traits.receive({ type: "notice", text: `Ignored, because these pages do not have it: ${ignored.slice(0, 3).join(", ").slice(0, 200)}.` });
    }
  }
}

function failed(problem) {
  const again = button("Reload the page", "Load everything again", () => location.reload());
  const line = element("div", { class: "elnes-gone", role: "alert" }, `Not all data could be loaded (${problem.message}). `, again);
  root.querySelector(".elnes-loading")?.remove();
  root.prepend(line);
  document_.dataset.elnesLoaded = "failed";
}

manifest().then((content) => new App(content).open()).catch((problem) => {
  console.error(problem);
  failed(problem);
});
