// What Inspect and Core hole share: filters, the chosen site, the walk from the worst to the best, and a figure of all sites
// whose points can be clicked.
import keys from "./keys.js";
import { Traits, bar, button, card, control, dropdown, element, escaped, hide, html, search, write } from "./widget.js";
import { draw, place } from "./plots.js";
import { Search } from "./search.js";

export const ALL = "all";
const FIRST = { text: "", kind: ALL };

export class SitePanel {
  // name: of the file's part with its figures; ranked: words of the walk { worst, order, of }; config: of the figures
  constructor(app, name, ranked) {
    Object.assign(this, { app, name, ranked, sites: app.sites, search: new Search(app.sites), site: null, rows: [], ranking: [] });
    this.state = { ...FIRST };
    this.root = element("div", { class: `elnes-browse elnes-site-panel elnes-${name}` });
  }

  // To be called at the end of a constructor, with the cards of both columns.
  assemble(left, right) {
    this.root.append(this.filters(), element("div", { class: "elnes-column" }, ...left), element("div", { class: "elnes-column" }, ...right));
  }

  get predictions() { return this.app.predictions; }
  get content() { return this.predictions?.[this.name]; }

  filters() {
    const { state } = this, { models } = this.app;
    this.kind = dropdown([["all", ALL], ["crystal", "crystal"], ["amorphous", "amorphous"]], ALL,
      "Show only crystals or only amorphous structures", (value) => { state.kind = value; this.filter(); });
    this.text = search("quartz ...", "Words that occur in the name, site, source or space group; all must match",
      (value) => { state.text = value; this.filter(); });
    const keyed = models.titles.map((title, k) => `<i style="background:${models.colors[k]}"></i>${escaped(title)}`).join("");
    const made = card(control("Networks", html(`<span class="elnes-key" title="${escaped(models.names.join("; "))}">${keyed || "none"}</span>`)),
      control("Kind", this.kind), control("Search", this.text),
      button("Reset filters", "Show all spectra again", () => { Object.assign(state, FIRST); this.show(); this.filter(); }));
    made.classList.add("elnes-filters");
    return made;
  }

  show() { this.kind.value = this.state.kind; this.text.value = this.state.text; }

  // the figure of all sites ---------------------------------------------------------------------------------------------
  overview(style, label, prefixes) {
    this.all = place(`elnes-errors ${style}`, label);
    this.cover = element("div", { class: "elnes-empty elnes-hidden" }, html(""));
    this.prefixes = prefixes;
    return element("div", { class: "elnes-plot" }, this.all, this.cover);
  }

  // Rows of the figure of the kind chosen, and which of them match the search.
  filter() {
    if (!this.content) return this.refuse();
    const kinds = this.content.kinds, chosen = kinds[this.state.kind], { mask, guess } = this.search.find(this.state.text);
    this.rows = chosen?.rows ?? [];
    this.mask = this.rows.map((row) => mask[row]);
    this.narrowed = this.mask.includes(false);
    this.guess = guess;
    const left = this.rows.filter((_, i) => this.mask[i]);
    this.ranking = [...left].sort((a, b) => this.rank(b) - this.rank(a) || a - b);
    hide(this.cover, left.length > 0);
    write(this.cover.firstChild, `<b>No spectrum passes these filters.</b><br>${escaped(guess)}`);
    if (this.site === null && left.length) this.choose(this.beginning(), false);
    this.plotAll();
    this.summary();
    this.heading();
    this.app.changed();
  }

  refuse() {
    const { problem } = this.app.models, text = this.predictions === null
      ? `<b>Nothing can be shown.</b><br>${escaped(problem)}` : "<b>Loading the predictions …</b>";
    for (const cover of [this.cover, this.unseen]) { hide(cover, false); write(cover.firstChild, text); }
    this.app.changed();
  }

  // The figure as elnes_lab.figures made it; what does not match the search is taken out, and what stands for all with it.
  plotAll() {
    const chosen = this.content?.kinds[this.state.kind];
    if (!chosen) return;
    const { data, layout } = chosen.figure;
    const traces = data.map((trace) => {
      const meta = String(trace.meta);
      if (this.prefixes.some((prefix) => meta.startsWith(prefix)) && this.narrowed) {
        return { ...trace, y: trace.y.map((value, i) => (this.mask[i] ? value : null)) };
      }
      if (meta.startsWith("marked")) return { ...trace, ...this.mark(meta) };
      if (this.narrowed && meta.startsWith("median") && this.middle) return { ...trace, ...this.middle(trace) };
      if (this.narrowed && /^(spread|median)/.test(meta)) return { ...trace, visible: false };
      return trace;
    });
    const own = { ...layout, dragmode: "zoom", uirevision: this.state.kind };
    return draw(this.all, { data: traces, layout: own }, this.app.words.figures.config).then(() => this.listen());
  }

  listen() {
    if (this.listening || !this.all.on) return;
    this.listening = true;
    this.all.on("plotly_click", ({ points }) => {
      const point = points.find(({ data }) => this.prefixes.some((prefix) => String(data.meta).startsWith(prefix)));
      if (point && this.rows[point.pointNumber] !== undefined) this.choose(this.rows[point.pointNumber]);
    });
  }

  // one site ------------------------------------------------------------------------------------------------------------
  walk() {
    const { worst, of } = this.ranked;
    this.title = html("", "elnes-heading");
    this.buttons = [
      button(worst, `Show the spectrum that is worst by its ${of}`, () => this.go(0)),
      button("Previous", `Show the spectrum that is next worse by its ${of} (left arrow)`, () => this.step(-1)),
      button("Next worst", `Show the spectrum that comes next by its ${of} (right arrow)`, () => this.step(1)),
    ];
    const hidden = element("div", { class: "elnes-hidden" });
    keys.render({ model: new Traits({}, ({ by }) => this.step(by)), el: hidden });
    return bar(this.title, element("div", { class: "elnes-walk" }, ...this.buttons, hidden));
  }

  detail(style, label) {
    this.figure = place(style, label);
    this.unseen = element("div", { class: "elnes-empty elnes-hidden" }, html(""));
    return element("div", { class: "elnes-plot" }, this.figure, this.unseen);
  }

  get place() { return this.ranking.indexOf(this.site); }

  go(place) { if (this.ranking[place] !== undefined) this.choose(this.ranking[place]); }

  step(by) { this.go(this.place < 0 ? 0 : this.place + by); }

  heading() {
    const { place } = this, total = this.ranking.length, count = (n) => n.toLocaleString("en");
    const rank = place < 0 ? "" : ` <span class="elnes-note">${count(place + 1)} of ${count(total)}, ${this.ranked.order}</span>`;
    const name = this.site === null ? "No site" : this.sites.names[this.site];
    write(this.title, `<span title="${escaped(this.app.words.index)}">${escaped(name)}</span>${rank}`);
    const [worst, previous, next] = this.buttons;
    worst.disabled = total === 0 || place === 0;
    previous.disabled = place <= 0;
    next.disabled = total === 0 || place === total - 1;
  }

  // asked: by the visitor, so that the other pages show the site, too
  choose(row, asked = true) {
    this.site = row;
    if (asked) this.app.choose(this.sites.sites[row], this);
    this.structure?.choose([this.sites.sites[row]], this.sites.sites[row]);
    if (!this.content) return;
    this.heading();
    this.plotAll();
    this.plotSite();
    this.app.changed();
  }

  // Number of the site among the predictions of model k, -1 without one.
  at(k) { return this.site === null ? -1 : this.predictions[`row.${k}`][this.site]; }

  // what the frame asks -------------------------------------------------------------------------------------------------
  status() {
    const shown = this.ranking.length.toLocaleString("en"), { count } = this.sites;
    return `<b>${shown}</b> of ${count.toLocaleString("en")} spectra shown`;
  }

  shown() {
    this.filter();
    if (this.content) this.plotSite();
    this.structure?.draw();
  }

  follow(label) {
    const row = this.sites.positions.get(label);
    if (row !== undefined && row !== this.site) this.choose(row, false);
  }

  link() {
    const { text, kind } = this.state, pairs = this.site === null ? [] : [["site", this.sites.sites[this.site]]];
    if (text.trim()) pairs.push(["text", text]);
    if (kind !== ALL) pairs.push(["kind", kind]);
    return pairs;
  }

  open(pairs) {
    const ignored = [];
    Object.assign(this.state, FIRST);
    for (const [name, value] of pairs) {
      if (name === "site" && this.sites.positions.has(value)) this.choose(this.sites.positions.get(value));
      else if (name === "text") this.state.text = value.slice(0, 200);
      else if (name === "kind" && [ALL, "crystal", "amorphous"].includes(value)) this.state.kind = value;
      else if (!this.take?.(name, value)) ignored.push(`${name}=${value}`);
    }
    this.show();
    this.filter();
    return ignored;
  }
}

// A table of numbers as the dashboard's: heads and rows of cells that are HTML.
export function numbers(head, rows) {
  const lines = rows.map(([name, ...cells]) => `<tr><th scope="row">${name}</th>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`);
  return `<table class="elnes-numbers">${head}${lines.join("")}</table>`;
}
