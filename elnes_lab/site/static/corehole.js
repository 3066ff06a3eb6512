// The page Core hole: what the core hole changes at one site, from the ground state to the spectrum, and how much was learnt.
import { bar, card, escaped, hide, html, write } from "./widget.js";
import { at } from "./curves.js";
import { axis, band, draw, fill } from "./plots.js";
import { saving } from "./saving.js";
import { SitePanel, numbers } from "./walk.js";

export class CoreHole extends SitePanel {
  constructor(app) {
    super(app, "corehole", { worst: "Least learnt", order: "least learnt first", of: "change learnt" });
    const words = app.words.corehole;
    [this.values, this.medians, this.notes] = [html(""), html(""), html("", "elnes-note")];
    const site = saving(app, { target: "elnes-change", help: "Save the figure", described: () => {
      const name = this.site === null ? "no site" : this.sites.names[this.site];
      return [["core hole", name], `${name}: change by the core hole`];
    } });
    const all = saving(app, { target: "elnes-learnt", help: "Save the figure of all sites", hidden: ["marked.0", "marked.1"],
      described: () => [["core-hole change learnt"], "Core-hole change learnt"] });
    const walk = this.walk();
    walk.append(site);
    this.assemble([
      card(walk, this.detail("elnes-change", "Ground-state PDOS, computed and predicted spectrum of the site"),
        html(words.shaded, "elnes-note"), this.values),
    ], [
      card(bar(html("How much of the change is learnt", "elnes-heading"), all),
        this.overview("elnes-learnt", "Share of the change by the core hole that was learnt, of every spectrum", ["learnt.", "gain."]),
        this.medians, this.notes, html(words.meaning, "elnes-note")),
    ]);
  }

  // The least that a model has learnt, turned round: the walk begins with the largest.
  rank(row) { return -Math.min(...this.content.learnt.map((one) => one[row] ?? Infinity)); }

  // What is usual before what is worst: the middle of the amorphous sites, or of all.
  beginning() {
    const glass = this.ranking.filter((row) => this.sites.amorphous[row]), middle = glass.length ? glass : this.ranking;
    return middle[Math.floor(middle.length / 2)];
  }

  mark(meta) {
    const kind = this.content.kinds[this.state.kind], place = this.rows.indexOf(this.site), x = [], y = [];
    if (place >= 0 && this.mask[place]) {
      for (const trace of kind.figure.data) {
        const prefix = meta === "marked.0" ? "learnt." : "gain.";
        if (String(trace.meta).startsWith(prefix) && trace.y[place] !== null) { x.push(trace.x[place]); y.push(trace.y[place]); }
      }
    }
    return { x, y, visible: x.length > 0 };
  }

  summary() {
    const { titles, colors } = this.app.models, rows = this.content.kinds[this.state.kind]?.medians ?? [], percent = (x) => `${(100 * x).toFixed(0)} %`;
    const fine = (x) => `${(100 * x).toFixed(1)} %`, span = titles.length;
    const plain = titles.map((title) => `<th scope="col">${escaped(title)}</th>`).join("");
    const marked = titles.map((title, k) => `<th scope="col"><i style="border-color:${colors[k]}"></i>${escaped(title)}</th>`).join("");
    const head = `<tr><th></th><th colspan="${span}">Change learnt, median</th><th colspan="${span + 1}">Gain near the edge, mean</th></tr>` +
      `<tr><th>Not trained on</th>${marked}<th scope="col">computed</th>${plain}</tr>`;
    write(this.medians, rows.length ? numbers(head, rows.map(([group, count, learnt, computed, predicted]) =>
      [`${group} (${count.toLocaleString("en")})`, ...learnt.map(percent), fine(computed), ...predicted.map(fine)])) : "");
    const narrowed = this.narrowed ? ["The search narrows the figure; the table is about all of the kind."] : [];
    write(this.notes, escaped([...narrowed, this.guess, this.app.words.inspect.said, ...this.content.left_out].filter(Boolean).join(" ")));
  }

  plotSite() {
    const { app, predictions } = this, template = app.templates.change, filled = {}, x = [...predictions.edge ?? []];
    const models = app.models.titles.map((_, k) => k).filter((k) => this.at(k) >= 0 && this.content.learnt[k][this.site] !== null);
    hide(this.unseen, models.length > 0);
    if (!models.length) {
      write(this.unseen.firstChild, "<b>The change by the core hole is not known for this site.</b><br>Click a point of the figure beside.");
      write(this.values, "");
      return;
    }
    models.forEach((k, order) => {
      const i = this.at(k), energy = [...predictions[`energy.${k}`]].map((value) => value + predictions[`offset.${k}`][i]);
      const on = (name) => { const curve = predictions[`${name}.${k}`].get(i); return x.map((value) => at(energy, curve, value)); };
      const ground = [...predictions[`ground.${k}`].get(i)], computed = [...predictions[`computed.${k}`].get(i)], predicted = on("predicted");
      if (order === 0) {
        filled.change = band(x, computed, ground);
        filled.ground = { x, y: ground };
        filled.computed = { x, y: computed };
        filled["computed change"] = { x, y: computed.map((value, j) => value - ground[j]) };
      }
      if (predictions[`lower.${k}`]) filled[`band.${k}`] = band(x, on("lower"), on("upper"));
      filled[`predicted.${k}`] = { x, y: predicted };
      filled[`change.${k}`] = { x, y: predicted.map((value, j) => value - ground[j]) };
    });
    const { heads, quantities } = this.content, cells = this.content.numbers[this.site];
    const head = `<tr><th></th>${heads.map((text) => `<th scope="col">${escaped(text)}</th>`).join("")}</tr>`;
    write(this.values, numbers(head, cells.map((texts, i) =>
      [`<span title="${escaped(quantities[i][1])}">${escaped(quantities[i][0])}</span>`, ...texts.map(escaped)])));
    return draw(this.figure, fill(template, filled, { xaxis: axis(template, "xaxis", { range: [x[0], x.at(-1)] }),
      xaxis2: axis(template, "xaxis2", { range: [x[0], x.at(-1)] }), uirevision: String(this.site) }), app.words.figures.config);
  }
}
