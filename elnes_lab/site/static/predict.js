// The page Predict: a ground-state PDOS in, of a site or one's own, the spectrum that networks expect out. All in the browser.
import { bar, button, card, control, dropdown, element, escaped, hide, html, save, write } from "./widget.js";
import { axis, band, draw, fill, number, place, table, titled } from "./plots.js";
import { columns } from "./columns.js";
import { saving } from "./saving.js";
import { numbers } from "./walk.js";

const COARSEST = 0.4; // eV between points: the inputs are broadened by 1 eV
const GAPS = [0.1, 15]; // eV that are taken for a band gap
const DIGITS = 2; // of errors, as on the dashboard
const PAUSE = 150; // ms without a letter, after which what was typed is read
const LARGEST = 8e6; // bytes of a file; one site has some 30,000

export class Predict {
  constructor(app) {
    const words = app.words.predict;
    Object.assign(this, { app, sites: app.sites, words, site: null, own: null, zero: words.zeros[0][1] });
    this.text = element("textarea", { class: "elnes-paste", rows: 6, spellcheck: false, placeholder: words.placeholder, title: words.paste,
      "aria-label": "PDOS as text" });
    this.text.oninput = () => { // a letter after the other, a line after the other: drawn when they have come
      clearTimeout(this.typing);
      this.typing = setTimeout(() => this.paste(this.text.value, "pasted PDOS"), PAUSE);
    };
    this.chooser = element("input", { type: "file", hidden: true, accept: ".csv,.txt,.dat,.tsv", title: words.open,
      "aria-label": "File with a PDOS" });
    this.chooser.onchange = () => this.file(this.chooser.files[0]);
    this.from = dropdown(words.zeros, this.zero, words.zero_help, (value) => { this.zero = value; this.show(); });
    const gap = element("input", { type: "text", inputMode: "decimal", title: words.gap_help, "aria-label": "Band gap in eV" });
    gap.oninput = () => this.show();
    this.gap = element("div", { class: "widget-text elnes-gap" }, gap);
    this.problem = html("", "elnes-note");
    this.title = html("", "elnes-heading");
    this.figure = place("elnes-own", "Predicted spectrum, and the PDOS it is predicted from");
    this.cover = element("div", { class: "elnes-empty elnes-hidden" }, html(""));
    [this.findings, this.notes] = [html(""), html("", "elnes-note")];
    const file = saving(app, { target: "elnes-own", help: "Save the spectrum and its inputs",
      described: () => [[this.name, "predicted"], `${this.name}: predicted ELNES`] });
    const given = card(bar(html("Ground-state PDOS", "elnes-heading"), button("Open a file", words.open, () => this.chooser.click()),
      button("Example", words.example, () => this.take(this.site ?? this.beginning)), button("Save", words.save, () => this.download())),
    this.chooser, this.text, bar(control("Energies from", this.from), control("Band gap, eV", this.gap)), this.problem,
    html(words.given, "elnes-note"));
    given.ondragover = (event) => event.preventDefault();
    given.ondrop = (event) => { event.preventDefault(); this.file(event.dataTransfer.files[0]); };
    this.root = element("div", { class: "elnes-browse elnes-predict" }, element("div", { class: "elnes-column" }, given),
      element("div", { class: "elnes-column" }, card(bar(this.title, file), element("div", { class: "elnes-plot" }, this.figure, this.cover),
        this.findings, this.notes)));
  }

  get networks() { return this.app.networks; }
  get beginning() { return this.sites.positions.get(this.sites.example[0]) ?? 0; }
  get name() { return this.own ? this.own.name : this.site === null ? "no site" : this.sites.names[this.site]; }
  get written() { return this.gap.firstChild.value.trim().replace(",", "."); }

  // what is predicted from ----------------------------------------------------------------------------------------------
  // The PDOS of a site, as it would be pasted.
  take(row) {
    clearTimeout(this.typing);
    Object.assign(this, { site: row, own: null, asked: null, zero: this.words.zeros[0][1] });
    this.from.value = this.zero;
    this.text.value = "";
    this.chooser.value = "";
    this.gap.firstChild.value = number(this.sites.columns.band_gap[row]);
    this.show();
  }

  async file(file) {
    this.chooser.value = ""; // or the same file, mended, could not be chosen again
    if (!file) return;
    clearTimeout(this.typing);
    const asked = this.asked = {}, name = file.name.slice(0, 60);
    let text = "", problem = "";
    if (file.size > LARGEST) problem = `${name} has ${(file.size / 1e6).toFixed(0)} MB; ${LARGEST / 1e6} MB are the most. Give the PDOS of one site alone.`;
    else try { text = await file.text(); } catch { problem = `${name} cannot be read. Choose a text file.`; }
    if (asked !== this.asked) return; // meanwhile something else was given
    this.text.value = "";
    if (!problem && !text.trim()) problem = `${name} is empty. Give columns: energy in eV, then the densities of states.`;
    if (!problem) return this.paste(text, name);
    this.own = { name, problem };
    this.show();
  }

  paste(text, name) {
    this.asked = null;
    if (!text.trim()) return this.take(this.site ?? this.beginning);
    this.own = { name };
    try {
      Object.assign(this.own, columns(text, this.words.channels));
      if (this.own.gap !== null) this.gap.firstChild.value = number(this.own.gap);
    } catch (problem) { this.own.problem = problem.message; }
    this.show();
  }

  // { energy, curves, top } from the zero of the inputs, gap (or null) and remarks; throws a sentence.
  inputs() {
    const { sites, site, own, networks, written } = this;
    const gap = written === "" ? null : Number(written);
    if (gap !== null && !(gap >= GAPS[0] && gap <= GAPS[1])) throw new Error(`The band gap must be a number from ${GAPS[0]} to ${GAPS[1]} eV.`);
    if (own?.problem) throw new Error(own.problem);
    if (this.zero === "vbm" && gap === null) throw new Error("Energies from the valence-band maximum need the band gap: give it in eV.");
    const by = this.zero === "vbm" ? -gap : 0, first = own ? null : sites.channels.length * site;
    const energy = own ? own.energy : sites.pdosEnergy;
    const curves = own?.curves ?? networks.channels.map((name) => sites.pdos.get(first + sites.channels.indexOf(name)));
    const moved = Float64Array.from(energy, (value) => value + by), top = own ? moved.at(-1) : sites.shifts.pdos_top[site] + by;
    const [low, high] = networks.window, need = high + networks.broadening;
    if (moved[0] > low || top < need - 1e-6) {
      throw new Error(`The PDOS reaches from ${moved[0].toFixed(1)} to ${top.toFixed(1)} eV above the conduction-band minimum; ${low} to ` +
        `${need} eV are needed.${own ? " Compute more empty bands, or check the zero and the gap." : ""}`);
    }
    for (let i = 1; i < moved.length; i++) {
      if (moved[i] > low - networks.broadening && moved[i] < need && moved[i] - moved[i - 1] > COARSEST) {
        throw new Error(`Points are ${(moved[i] - moved[i - 1]).toFixed(2)} eV apart; ${COARSEST} eV is the most. Export a finer PDOS.`);
      }
    }
    if (own && curves.some((values) => values.some((value) => value < -0.05))) {
      throw new Error("A density of states is negative. Check which columns they are in.");
    }
    return { energy: moved, curves, gap, notes: own?.notes ?? [] };
  }

  // what comes out --------------------------------------------------------------------------------------------------------
  show() {
    const { app, networks } = this;
    write(this.title, `<span title="${escaped(app.words.index)}">${escaped(this.name)}</span>`);
    for (const one of [this.findings, this.notes, this.problem]) write(one, "");
    app.changed();
    if (!networks || !this.sites.pdos) {
      const why = networks === undefined || !this.sites.pdos ? "<b>Loading the networks …</b>"
        : `<b>Nothing can be predicted.</b><br>${escaped(app.models.networks_problem)}`;
      hide(this.cover, false);
      return write(this.cover.firstChild, why);
    }
    let given;
    try { given = this.inputs(); } catch (problem) {
      this.found = null;
      hide(this.cover, false);
      write(this.cover.firstChild, `<b>Nothing is predicted.</b><br>${escaped(problem.message)}`);
      return write(this.problem, `<span class="elnes-warn" role="alert">${escaped(problem.message)}</span>`);
    }
    hide(this.cover, true);
    const bins = networks.binned(given.energy, given.curves);
    this.found = networks.nets.map((net) => (net.scalars.length && given.gap === null ? null
      : net.predict(bins, net.scalars.map(() => given.gap))));
    this.plot(bins);
    this.said(given);
  }

  // The computed spectrum of the site in the window of the predictions, in units of its mean; null for one's own PDOS.
  computed() {
    const { sites, site, networks } = this;
    if (this.own) return null;
    const shift = networks.pack.shift[site], mean = networks.pack.mean[site], x = [], y = [];
    sites.isotropic(site).forEach((value, i) => {
      const energy = sites.energy[i] + shift;
      if (energy < networks.energy[0] - 0.15 || energy > networks.energy.at(-1) + 0.15) return;
      x.push(energy);
      y.push(value / mean);
    });
    return { x, y };
  }

  plot(bins) {
    const { app, networks } = this, template = app.templates.own, x = [...networks.energy], titles = app.words.figures, filled = {};
    this.found.forEach((one, k) => {
      if (!one) return;
      if (one.lower) filled[`band.${k}`] = band(x, [...one.lower], [...one.upper]);
      filled[`mean.${k}`] = { x, y: [...one.mean] };
    });
    const computed = this.computed();
    if (computed) filled["computed.0"] = { ...computed, name: "computed" };
    bins.forEach((values, c) => { filled[`input.${c}`] = { x: [...networks.inputEnergy], y: [...values] }; });
    const layout = {
      xaxis: axis(template, "xaxis", { range: [x[0], x.at(-1)], title: titled(template, "xaxis", titles.model_titles[networks.zero]) }),
      xaxis2: axis(template, "xaxis2", { range: [x[0], x.at(-1)], title: titled(template, "xaxis2", titles.model_titles[networks.input_zero]) }),
      yaxis: axis(template, "yaxis", { title: titled(template, "yaxis", "ELNES (mean = 1)") }),
      uirevision: this.name,
    };
    return draw(this.figure, fill(template, filled, layout), titles.config);
  }

  said({ gap, notes }) {
    const { networks, words, site, own } = this, { role } = networks.pack, curve = this.computed();
    const lines = this.found.flatMap((one, k) => (one ? [[`<i style="border-color:${networks.models[k].color}"></i>${escaped(networks.models[k].title)}`,
      one.score.toFixed(2), ...networks.groups.map(([, , , errors]) => errors[k].toPrecision(DIGITS)),
      ...(curve ? [mse(networks.energy, one.mean, curve).toPrecision(DIGITS)] : [])]] : []));
    const heads = networks.groups.map(([name, count, structures]) =>
      `<th scope="col" title="${count.toLocaleString("en")} spectra of ${structures} structures of nets not trained on">${escaped(name)}</th>`).join("");
    const head = `<tr><th></th><th></th><th colspan="${networks.groups.length}">Median MSE, not trained on</th>${curve ? "<th></th>" : ""}</tr>` +
      `<tr><th></th><th scope="col" title="${escaped(words.score)}">out-of-domain score</th>${heads}${curve ? '<th scope="col">MSE here</th>' : ""}</tr>`;
    const strange = this.found.some((one) => one && one.score > 1), remarks = [];
    if (strange) remarks.push([words.strange, true]);
    if (gap === null) remarks.push([words.no_gap, false]);
    if (!own) remarks.push([role[site] === 0 ? words.known : words.unseen, role[site] === 0]);
    write(this.findings, numbers(head, lines) + remarks.map(([text, warns]) =>
      `<p class="${warns ? "elnes-warn" : "elnes-note"}">${escaped(text)}</p>`).join(""));
    const [spectra, structures] = networks.trained;
    write(this.notes, escaped(words.said.replace("{spectra}", spectra.toLocaleString("en")).replace("{structures}", structures)
      .replace("{interval}", networks.nets.some((net) => net.width) ? words.interval : words.no_interval)));
    write(this.problem, escaped(notes.join(" ")));
  }

  // The inputs as a file that this page reads again.
  download() {
    if (!this.networks || !this.sites.pdos) return;
    let given;
    try { given = this.inputs(); } catch { return; }
    const head = [...this.app.words.notes, this.name, ...(given.gap === null ? [] : [`band gap: ${number(given.gap)} eV`])];
    const from = this.words.zeros.find(([, value]) => value === this.zero)[0], by = this.zero === "vbm" ? given.gap : 0;
    const lists = [["energy", given.energy.map((value) => value + by)], ...this.words.channels.map((name, c) => [name, given.curves[c]])];
    save(`${this.name.replaceAll(/[^\w.-]+/g, "_")}_pdos.csv`, "text/csv", table(lists.map(([name, values]) => ({ name, values: [...values] })),
      [...head, `energy: eV from the ${from}; states/eV/atom`]));
  }

  // what the frame asks -----------------------------------------------------------------------------------------------------
  status() { return this.own ? "Your own PDOS stays in this browser" : `<b>1</b> of ${this.sites.count.toLocaleString("en")} sites`; }

  shown() {
    if (this.site === null && !this.own) return this.take(this.beginning);
    this.show();
  }

  follow(label) {
    const row = this.sites.positions.get(label);
    if (row === undefined || row === this.site) return;
    if (this.own) this.site = row; // what was given stays until another example is asked for
    else this.take(row);
  }

  link() { return this.own || this.site === null ? [] : [["site", this.sites.sites[this.site]]]; }

  open(pairs) {
    const ignored = [];
    for (const [name, value] of pairs) {
      if (name === "site" && this.sites.positions.has(value)) {
        this.take(this.sites.positions.get(value));
        this.app.choose(value, this);
      } else ignored.push(`${name}=${value}`);
    }
    return ignored;
  }
}

// Mean square error of a spectrum against the computed one: bins of two points, as in elnes_lab.learning.
function mse(energy, values, { x, y }) {
  const step = (x.at(-1) - x[0]) / (x.length - 1), at = (e) => {
    const where = Math.min(Math.max((e - x[0]) / step, 0), x.length - 1), low = Math.min(Math.floor(where), x.length - 2);
    return y[low] + (where - low) * (y[low + 1] - y[low]);
  };
  let sum = 0;
  energy.forEach((e, i) => { sum += (values[i] - (at(e - 0.05) + at(e + 0.05)) / 2) ** 2; });
  return sum / energy.length;
}
