// The page Browse: filters, table, the spectra of the selected sites with their densities of states, the structure of one.
import tableView from "./table.js";
import { Traits, bar, button, card, control, dropdown, element, escaped, html, save, search, slider, write } from "./widget.js";
import { table } from "./plots.js";
import { SpectraCard } from "./spectra.js";
import { structureCard } from "./structure.js";
import { Search } from "./search.js";

const ALL = "all";

export class Browse {
  constructor(app) {
    const words = app.words.browse;
    Object.assign(this, { app, sites: app.sites, words, search: new Search(app.sites) });
    this.first = { text: "", choices: {}, ranges: {}, zero: words.zeros[0][1], intensity: words.intensities[0][1],
      polarization: "isotropic", fwhm: 0, profile: words.profiles[0][1], channel: "O p", waterfall: false };
    this.state = { ...structuredClone(this.first), selection: app.sites.example };
    this.slots = new Map();
    this.root = element("div", { class: "elnes-browse" }, this.filters(),
      element("div", { class: "elnes-column" }, this.tableCard(), (this.structure = structureCard(app)).root),
      element("div", { class: "elnes-column" }, (this.spectra = new SpectraCard(app, this.state, this.controls)).root));
    this.filter();
    this.select(this.state.selection);
  }

  filters() {
    const { words, sites, state } = this, change = () => this.filter();
    this.controls = { text: search("quartz, P3221 ...",
      "Words that occur in the name, site, kind, source or space group; all must match", (text) => { state.text = text; change(); }) };
    const row = [control("Search", this.controls.text)];
    for (const [name, label] of Object.entries(words.choices)) {
      this.controls[name] = dropdown([["all", ALL], ...sites.options[name]], ALL,
        `${label}: show only the sites with this value (number of sites)`, (value) => { state.choices[name] = value; change(); });
      row.push(control(label, this.controls[name]));
    }
    for (const [name, { label, step, unit }] of Object.entries(words.ranges)) {
      const [low, high] = sites.extents[name], digits = Math.max(0, Math.ceil(-Math.log10(step)));
      this.controls[name] = slider({ label, low, high, step, value: [low, high],
        help: "Show only the sites in this range: move the two handles. Sites without a value come back at full range.",
        written: (pair) => `${pair.map((x) => x.toFixed(digits)).join("–")}${unit === "°" ? unit : ` ${unit}`}`,
        changed: (pair) => { this.range(name, pair); change(); } });
      row.push(this.controls[name]);
    }
    row.push(button("Reset filters", "Show all spectra again; the selection stays", () => this.reset()));
    const made = card(...row);
    made.classList.add("elnes-filters");
    return made;
  }

  range(name, [low, high]) {
    const [first, last] = this.sites.extents[name], half = this.words.ranges[name].step / 2;
    if (low <= first + half && high >= last - half) delete this.state.ranges[name];
    else this.state.ranges[name] = [low, high];
  }

  reset() {
    Object.assign(this.state, { text: "", choices: {}, ranges: {} });
    this.show();
    this.filter();
  }

  // The controls as the state has it.
  show() {
    const { state, controls } = this;
    controls.text.value = state.text;
    for (const name of Object.keys(this.words.choices)) controls[name].value = state.choices[name] ?? ALL;
    for (const name of Object.keys(this.words.ranges)) controls[name].value = state.ranges[name] ?? this.sites.extents[name];
    for (const name of ["zero", "intensity", "polarization", "fwhm", "profile", "channel"]) controls[name].value = state[name];
    controls.waterfall.classList.toggle("mod-active", state.waterfall);
    this.spectra.instrument();
  }

  filter() {
    const { state, sites } = this, { mask, guess } = this.search.find(state.text);
    this.visible = [];
    for (let i = 0; i < sites.count; i++) {
      const passes = mask[i] &&
        Object.entries(state.choices).every(([name, value]) => value === ALL || String(sites.columns[name][i]) === value) &&
        Object.entries(state.ranges).every(([name, [low, high]]) => {
          const value = sites.columns[name][i];
          return value !== null && value >= low - 1e-6 && value <= high + 1e-6;
        });
      if (passes) this.visible.push(i);
    }
    this.guess = guess;
    this.traits.set("visible", this.visible);
    this.note();
    this.app.changed();
  }

  // table -----------------------------------------------------------------------------------------------------------------
  tableCard() {
    const { words, sites } = this, { columns } = sites;
    const shown = (name, i) => (name === "space_group" ? columns.space_group_written : columns[name])[i];
    this.traits = new Traits({ columns: words.columns, rows: sites.sites.map((_, i) => words.columns.map(({ key }) => shown(key, i))),
      visible: [], selected: [], swatches: {}, pinned: true,
      help: "Spectra. Arrow keys move, space adds a spectrum to the plot, Enter shows it alone, Escape clears." });
    this.traits.on("change:selected", () => this.select(this.traits.get("selected").map((i) => sites.sites[i])));
    const grid = element("div", { class: "elnes-compact" });
    tableView.render({ model: this.traits, el: grid });
    this.tableNote = html("", "elnes-note");
    this.format = dropdown([["Spectra, CSV", "spectra"], ["PDOS, CSV", "pdos"]], "spectra", "What the file to download has", () => {});
    return card(bar(html("Spectra", "elnes-heading"), button("Clear", "Remove all curves from the plot", () => this.select([])),
      this.format, button("Download",
        "Save the selected spectra as plotted now (zero, unit, broadening, polarization), or all listed ones",
        () => this.download())), grid, this.tableNote);
  }

  note() {
    const most = this.app.words.figures.most_curves, { length } = this.state.selection, listed = new Set(this.visible);
    const hidden = this.state.selection.filter((label) => !listed.has(this.sites.positions.get(label))).length;
    const notes = ["Click a row to show it, the box (or Ctrl, Shift) to compare several."];
    if (this.guess) notes.unshift(this.guess);
    if (hidden) notes.push(`${hidden} of the ${length} selected are hidden by the filters.`);
    if (length > most) notes.push(`Of ${length.toLocaleString("en")} selected, ${most} are drawn; a download has all.`);
    write(this.tableNote, escaped(notes.join(" ")));
  }

  // Curves keep their colour as long as they are selected; a new one takes the first that is free.
  select(labels) {
    const kept = new Map([...this.slots].filter(([label]) => labels.includes(label))), used = new Set(kept.values());
    let free = 0;
    for (const label of labels) {
      if (kept.has(label)) continue;
      while (used.has(free)) free += 1;
      kept.set(label, free);
      used.add(free);
    }
    const added = labels.filter((label) => !this.slots.has(label)), beginning = !this.slots.size;
    this.slots = new Map(labels.map((label) => [label, kept.get(label)]));
    this.state.selection = labels;
    this.drawn = labels.filter((label) => this.slots.get(label) < this.app.words.figures.most_curves);
    const position = (label) => this.sites.positions.get(label);
    this.traits.set("swatches", Object.fromEntries(this.drawn.map((label) => [position(label), this.style(label)])));
    this.traits.set("selected", labels.map(position));
    this.structure.choose(labels, beginning ? added[0] : added.at(-1));
    if (labels.length) this.app.choose(labels.at(-1), this);
    this.note();
    this.spectra.show(this.drawn, this.slots);
    this.app.changed();
  }

  style(label) {
    const { colors, dashes } = this.app.words, slot = this.slots.get(label);
    return [colors[slot % colors.length], dashes[Math.floor(slot / colors.length) % dashes.length]];
  }

  download() {
    const { sites, state } = this, { options } = this.spectra;
    const labels = state.selection.length ? state.selection : this.visible.map((i) => sites.sites[i]);
    if (!labels.length) {
      write(this.tableNote, '<span class="elnes-warn" role="alert">There is nothing to download: no spectrum is selected and none passes ' +
        "the filters.</span>");
      return;
    }
    const dos = this.format.value === "pdos", columns = [], along = options.polarization;
    let before = null;
    for (const label of labels) {
      const row = sites.positions.get(label);
      const { x, y } = dos ? sites.states(row, state.channel, options) : sites.spectrum(row, options);
      const key = `${x[0]} ${x.length}`;
      if (key !== before) columns.push({ name: "energy", values: [...x] });
      before = key;
      columns.push({ name: dos ? `${label} ${state.channel} PDOS` : along === "isotropic" ? label : `${label} ${along}`, values: [...y] });
    }
    const unit = dos ? "states/eV" : options.normalized ? "mean = 1" : "bohr²/eV";
    const notes = [...this.app.words.notes, `energy: eV; ${this.app.words.figures.energy_titles[state.zero]}`, `intensity: ${unit}`,
      `broadening: ${state.fwhm ? `${state.profile}, ${state.fwhm} eV FWHM` : "none added"}`];
    const name = labels.length === 1 ? labels[0].replaceAll("/", "_") : `${labels.length}-spectra`;
    save(`${name}${dos ? "_pdos" : ""}.csv`, "text/csv", table(columns, notes));
  }

  // what the frame asks -----------------------------------------------------------------------------------------------------
  status() {
    const count = (n) => `<b>${n.toLocaleString("en")}</b>`;
    return `${count(this.visible.length)} of ${this.sites.count.toLocaleString("en")} spectra listed, ` +
      `${count(this.state.selection.length)} selected`;
  }

  shown() { this.spectra.plot(); this.structure.draw(); }

  follow() {} // the selection of Browse is its own

  // Pairs of what differs from the page as first opened, named as in the links of the dashboard.
  link() {
    const { state, first } = this, pairs = [["sites", state.selection.join(",")]];
    if (state.text.trim()) pairs.push(["text", state.text]);
    for (const [name, value] of Object.entries(state.choices)) if (value !== ALL) pairs.push([name, value]);
    for (const [name, pair] of Object.entries(state.ranges)) pairs.push([name, pair.map((x) => x.toFixed(3)).join("~")]);
    for (const name of ["polarization", "zero", "intensity", "profile", "channel", "fwhm"]) {
      if (state[name] !== first[name]) pairs.push([name, String(state[name])]);
    }
    if (state.waterfall) pairs.push(["offset", "1"]);
    return pairs;
  }

  // Show what pairs of a link ask for; those that mean nothing here, as texts.
  open(pairs) {
    const { state, words, sites, first } = this, ignored = [];
    Object.assign(state, structuredClone(first));
    let labels = null;
    const among = { polarization: ["isotropic", "x", "y", "z"], zero: words.zeros.map(([, value]) => value), channel: words.channels,
      intensity: words.intensities.map(([, value]) => value), profile: words.profiles.map(([, value]) => value) };
    for (const [name, value] of pairs) {
      const pair = value.split("~").map(Number);
      if (name === "sites") {
        const asked = [...new Set(value.split(",").filter(Boolean))], there = asked.filter((label) => sites.positions.has(label));
        ignored.push(...asked.filter((label) => !sites.positions.has(label)));
        if (there.length || !asked.length) labels = there;
      } else if (name === "text") state.text = value.slice(0, 200);
      else if (name in words.choices && sites.options[name].some(([, one]) => one === value)) state.choices[name] = value;
      else if (name in words.ranges && pair.length === 2 && pair[0] <= pair[1]) this.range(name, pair);
      else if (among[name]?.includes(value)) state[name] = value;
      else if (name === "fwhm" && Number(value) >= 0 && Number(value) <= words.broadest) state.fwhm = Math.round(10 * Number(value)) / 10;
      else if (name === "offset") state.waterfall = value === "1";
      else ignored.push(`${name}=${value}`);
    }
    this.show();
    this.filter();
    this.select(labels ?? sites.example);
    return ignored;
  }
}
