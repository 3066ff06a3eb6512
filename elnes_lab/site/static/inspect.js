// The page Inspect: the error of every spectrum, and one spectrum predicted and computed.
import { bar, card, control, escaped, hide, html, toggles, write } from "./widget.js";
import { axis, band, draw, fill, number, table, titled } from "./plots.js";
import { broaden, intensityUnit } from "./curves.js";
import { saving } from "./saving.js";
import { structureCard } from "./structure.js";
import { SitePanel, numbers } from "./walk.js";

const HINT = "Click a point to see its spectrum. Arrow keys go to the next worst and back.";
const DIGITS = 2; // of errors, as on the dashboard

export class Inspect extends SitePanel {
  constructor(app) {
    super(app, "inspect", { worst: "Worst", order: "worst first", of: "error" });
    const words = app.words.inspect;
    Object.assign(this.state, { zero: words.zeros[0][1], intensity: words.intensities[0][1] });
    this.hint = html(HINT, "elnes-note");
    [this.medians, this.notes, this.findings, this.band] = [html(""), html("", "elnes-note"), html(""), html("", "elnes-note")];
    this.structure = structureCard(app);
    const errors = saving(app, { target: "elnes-all", described: () => [["errors"], "Error of every spectrum"],
      help: "Save the figure of all errors", hidden: ["marked"], table: (notes) => this.errorTable(notes) });
    const site = saving(app, { target: "elnes-prediction", help: "Save the spectrum and its inputs", described: () => {
      const name = this.site === null ? "no site" : this.sites.names[this.site];
      return [[name, "predicted"], `${name}: computed and predicted ELNES`];
    } });
    this.zero = toggles(words.zeros, this.state.zero, (value) => this.scale("zero", value));
    this.intensity = toggles(words.intensities, this.state.intensity, (value) => this.scale("intensity", value));
    this.assemble([
      card(bar(html("Error of every spectrum", "elnes-heading"), errors),
        this.overview("elnes-all", "Mean square error of every spectrum by structure; click a point", ["errors."]),
        this.hint, this.medians, this.notes),
      this.structure.root,
    ], [
      card(this.walk(), this.detail("elnes-prediction", "Computed and predicted spectrum of the site, and the inputs"),
        bar(control("Energy zero", this.zero), control("Intensity", this.intensity), site), this.findings, this.band),
    ]);
  }

  scale(name, value) {
    this.state[name] = value;
    this.plotSite();
    this.app.changed();
  }

  get count() { return this.app.models.titles.length; }

  // The larger of the models' errors.
  rank(row) { return Math.max(...this.content.mse.map((errors) => errors[row] ?? -Infinity)); }

  beginning() { return this.ranking[0]; }

  mark() {
    const place = this.rows.indexOf(this.site), errors = this.content.mse.map((one) => one[this.site]).filter((one) => one !== null);
    const there = place >= 0 && this.mask[place];
    return { x: there ? errors.map(() => place) : [], y: there ? errors : [], visible: there };
  }

  // Rows (group, spectra, structures, median MSE of each model) of what is shown and no model was trained on, as `InspectModel.medians`.
  groups() {
    const { content, sites } = this, whole = content.kinds[this.state.kind]?.medians ?? [];
    if (!this.narrowed) return whole;
    const known = (row) => content.role.some((roles) => roles[row] !== content.new) || content.mse.some((errors) => errors[row] === null);
    const left = this.rows.filter((row, i) => this.mask[i] && !known(row));
    return whole.map(([group]) => {
      const part = left.filter((row) => sites.amorphous[row] === (group === "amorphous"));
      const structures = new Set(part.map((row) => sites.columns.structure[row])).size;
      return [group, part.length, structures, content.mse.map((errors) => median(part.map((row) => errors[row])))];
    });
  }

  // The lines of the medians in the figure, from one end of their group to the other.
  middle(trace) {
    const k = Number(trace.meta.split(".")[1]);
    return { y: this.groups().flatMap(([, count, , values]) => [count ? values[k] : null, count ? values[k] : null, null]) };
  }

  summary() {
    const { content, app } = this, { titles } = app.models, { plain } = app.words.inspect;
    const rows = this.groups().filter(([, count]) => count), names = [...new Set(rows.flatMap(([group]) => Object.keys(content.yards[group] ?? {})))];
    const head = titles.map((title) => `<th scope="col">${escaped(title)}</th>`).join("") +
      names.map((name) => `<th scope="col" title="${escaped(plain[name] ?? "")}">${escaped(name)}</th>`).join("");
    const lines = rows.map(([group, count, structures, values]) => [group,
      ...values.map((value) => value.toPrecision(DIGITS)),
      ...names.map((name) => this.yardstick(content.yards[group]?.[name])),
      count.toLocaleString("en"), structures.toLocaleString("en")]);
    const first = `<tr><th>Median MSE, structures not trained on</th>${head}<th scope="col">spectra</th><th scope="col">structures</th></tr>`;
    write(this.medians, rows.length ? numbers(first, lines) : "");
    const known = content.known ? ["Hollow and pale: the network was trained on that structure, so its error is no test; medians and " +
      "distributions leave it out."] : [];
    write(this.notes, escaped([this.guess, app.words.inspect.said, ...known, content.problem, ...content.left_out,
      ...content.notes].filter(Boolean).join(" ")));
  }

  // Cell with the median MSE of a plain method.
  yardstick(record) {
    if (!record) return "–";
    const count = (n) => n.toLocaleString("en"), help = `Out of fold: every structure held out once; ${count(record.n)} spectra of ` +
      `${count(record.structures)} structures, data version ${record.data}`;
    return `<span title="${escaped(help)}">${record.mse_median.toPrecision(DIGITS)}</span>`;
  }

  errorTable(notes) {
    const { content, sites, rows, mask } = this, shown = rows.filter((_, i) => mask[i]), { names } = this.app.models;
    const column = (name, of) => ({ name, values: shown.map(of) });
    const columns = [column("site", (i) => sites.sites[i]),
      ...["structure", "name", "kind"].map((name) => column(name, (i) => sites.columns[name][i]))];
    names.forEach((_, k) => columns.push(column(`mse_${k + 1}`, (i) => content.mse[k][i]),
      column(`training_${k + 1}`, (i) => content.role[k][i]), column(`out_of_domain_${k + 1}`, (i) => content.score[k][i])));
    const models = names.map((name, k) => `model ${k + 1}: ${name}`);
    return table(columns, [...notes, "mse: mean squared difference of predicted and computed spectrum, both in units of the mean of " +
      "the computed one", ...models]);
  }

  // Curves of the site by model k, on the scales chosen.
  curves(k) {
    const { predictions, sites, site } = this, i = this.at(k), energy = predictions[`energy.${k}`], { axes } = sites;
    const shift = predictions[`shift.${k}`][i], lost = this.state.zero === "loss" ? predictions[`loss.${k}`][i] : 0;
    const by = Number.isFinite(lost) ? lost : 0, mean = predictions[`mean.${k}`][i], half = (energy[1] - energy[0]) / 2;
    const whole = broaden(sites.isotropic(site), axes.energy[2], { gaussian: predictions.inspect.broadening }), x = [], computed = [];
    sites.energy.forEach((value, j) => {
      if (value + shift < energy[0] - half || value + shift > energy.at(-1) + half) return;
      x.push(value + shift + by);
      computed.push(whole[j] / mean);
    });
    const band = ["lower", "upper"].map((name) => predictions[`${name}.${k}`]?.get(i) ?? null);
    return { energy: [...energy].map((value) => value + by), x, computed, mean, predicted: predictions[`predicted.${k}`].get(i), band,
      lost: by !== 0 };
  }

  plotSite() {
    const { app, predictions, content, state } = this, models = [...Array(this.count).keys()].filter((k) => this.at(k) >= 0);
    hide(this.unseen, models.length > 0);
    if (!models.length) return this.lacking();
    const template = app.templates.prediction, filled = {}, curves = new Map(models.map((k) => [k, this.curves(k)]));
    const absolute = state.intensity === "absolute", titles = app.words.figures;
    const [power, unit] = intensityUnit([...curves.values()].map(({ computed, mean }) => computed.map((value) => value * mean)), !absolute,
      titles.superscript);
    for (const [k, one] of curves) {
      const factor = absolute ? power * one.mean : 1, scaled = (values) => [...values].map((value) => value * factor);
      if (k === models[0]) filled[`computed.${k}`] = { x: one.x, y: scaled(one.computed), name: "computed" };
      filled[`mean.${k}`] = { x: one.energy, y: scaled(one.predicted) };
      if (one.band[0]) filled[`band.${k}`] = band(one.energy, scaled(one.band[0]), scaled(one.band[1]));
    }
    const i = this.at(0);
    if (i >= 0) {
      const energy = [...predictions.input_energy], channels = template.data.filter(({ meta }) => String(meta).startsWith("input."));
      channels.forEach((_, c) => { filled[`input.${c}`] = { x: energy, y: [...predictions.inputs.get(channels.length * i + c)] }; });
    }
    const lead = curves.get(models[0]), range = [lead.energy[0], lead.energy.at(-1)], zero = lead.lost ? "loss" : content.zero;
    const below = ["edge", "onset"].includes(content.zero) && content.input_zero === "cbm"
      ? predictions[`energy.${models[0]}`] : predictions.input_energy;
    const layout = {
      xaxis: axis(template, "xaxis", { range, title: titled(template, "xaxis", titles.model_titles[zero]) }),
      xaxis2: axis(template, "xaxis2", { range: [below[0], below.at(-1)],
        title: titled(template, "xaxis2", titles.model_titles[content.input_zero]) }),
      yaxis: axis(template, "yaxis", { title: titled(template, "yaxis", `ELNES (${unit})`) }),
      uirevision: `${this.site}${zero}${unit}`,
    };
    this.write(models, curves);
    return draw(this.figure, fill(template, filled, layout), titles.config);
  }

  lacking() {
    const place = this.content.lacking_rows.indexOf(this.site);
    const why = place < 0 ? ["Click a point of the figure of errors."] : this.content.lacking[place];
    write(this.unseen.firstChild, `<b>No network shown predicts this site.</b><br>${why.map(escaped).join("<br>")}`);
    for (const one of [this.findings, this.band]) write(one, "");
  }

  write(models, curves) {
    const { content, site, app } = this, { titles, colors } = app.models, shown = this.rows.filter((_, i) => this.mask[i]);
    const lines = models.map((k) => {
      const mse = content.mse[k][site], others = shown.map((row) => content.mse[k][row]).filter((one) => one !== null);
      const better = others.length ? others.filter((one) => one < mse).length / others.length : 0, score = content.score[k][site];
      return [`<i style="border-color:${colors[k]}"></i>${escaped(titles[k])}`, number(Number(mse.toPrecision(DIGITS))),
        `${(100 * better).toFixed(0)} %`, score === null ? "unknown" : score.toFixed(2)];
    });
    const head = '<tr><th></th><th scope="col">MSE</th><th scope="col" title="Share of the spectra shown that are predicted better">better ' +
      'predicted</th><th scope="col" title="Familiar inputs score below 1">out-of-domain score</th></tr>';
    const remarks = content.remarks[site].map(([text, warns]) =>
      `<p class="${warns ? "elnes-warn" : "elnes-note"}">${escaped(text)}</p>`).join("");
    write(this.findings, numbers(head, lines) + remarks);
    const banded = [...curves.values()].some((one) => one.band[0]);
    write(this.band, escaped(`${banded ? app.words.inspect.band : ""}${app.words.inspect.inputs}`));
  }

  link() {
    const { zeros, intensities } = this.app.words.inspect, pairs = super.link();
    if (this.state.zero !== zeros[0][1]) pairs.push(["zero", this.state.zero]);
    if (this.state.intensity !== intensities[0][1]) pairs.push(["intensity", this.state.intensity]);
    return pairs;
  }

  take(name, value) {
    const { zeros, intensities } = this.app.words.inspect, among = { zero: zeros, intensity: intensities }[name];
    if (!among?.some(([, one]) => one === value)) return false;
    this.state[name] = this[name].value = value;
    return true;
  }
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b), half = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
