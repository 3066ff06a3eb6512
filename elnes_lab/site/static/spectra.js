// The spectra of the page Browse: the overlay with its densities of states, and how it is drawn.
import { bar, button, card, control, dropdown, element, escaped, hide, html, slider, toggles, write } from "./widget.js";
import { intensityUnit } from "./curves.js";
import { axis, draw, fill, place, titled } from "./plots.js";
import { saving } from "./saving.js";

const BELOW = 5, ABOVE = 28, RISE = 0.05; // eV shown around the first intensity, share of the highest that counts as one
const EDGE = 3; // eV at the left whose valence band does not count for the heights, as in elnes_lab.figures.browse
const FEW = 3; // names in a title

export class SpectraCard {
  // state: of the page, which these controls change; controls: of the page by name, to which these are added.
  constructor(app, state, controls) {
    const words = app.words.browse;
    Object.assign(this, { app, sites: app.sites, words, state, controls, drawn: [], slots: new Map() });
    const set = (name) => (value) => { state[name] = value; this.plot(); this.app.changed(); };
    controls.zero = toggles(words.zeros, state.zero, set("zero"));
    controls.intensity = toggles(words.intensities, state.intensity, set("intensity"));
    controls.polarization = toggles([["mean", "isotropic", "Mean of the three directions: powder, glass"],
      ...[..."xyz"].map((one) => [one, one, `Transition dipole along ${one} of the stored cell`])], state.polarization, set("polarization"));
    controls.waterfall = button("Offset", "Draw the curves one above the other", () => {
      state.waterfall = controls.waterfall.classList.toggle("mod-active");
      set("waterfall")(state.waterfall);
    });
    controls.instrument = dropdown([["none", 0], ...words.instruments, ["another width", words.own_width]], 0, words.instrument_help,
      (value) => {
        if (value === words.own_width) return this.instrument();
        if (state.profile === "lorentzian") controls.profile.value = state.profile = "gaussian";
        controls.fwhm.value = value;
        set("fwhm")(value);
      });
    controls.fwhm = slider({ label: "Broadening", help: words.width_help, low: 0, high: words.broadest, step: 0.1, value: 0,
      written: (x) => `${x.toFixed(1)} eV`, changed: (x) => { set("fwhm")(x); this.instrument(); } });
    controls.profile = dropdown(words.profiles, state.profile, words.profile_help,
      (value) => { set("profile")(value); this.instrument(); });
    controls.channel = dropdown(words.channels.map((name) => [name, name]), state.channel,
      "Which part of the ground-state density of states is drawn below the spectra", set("channel"));
    this.figure = place("elnes-spectra", "Spectra of the selected sites, and below their densities of states");
    const { example } = this.sites;
    const names = example.map((label) => this.sites.columns.name[this.sites.positions.get(label)]);
    this.empty = element("div", { class: "elnes-empty" },
      html("<b>No spectrum is selected.</b><br>Pick rows in the table, or start with"),
      button(`Show ${names.join(", ").replace(/, ([^,]*)$/, " and $1")}`, "Select an instructive example", () => this.app.panels.browse.select(example),
        "mod-primary"));
    this.warning = html("", "elnes-note");
    const file = saving(this.app, { target: "elnes-spectra", described: () => this.described(), help: "Save the curves as drawn" });
    this.root = card(bar(control("Energy zero", controls.zero), control("Intensity", controls.intensity), controls.waterfall,
      control("Polarization", controls.polarization), control("Instrument", controls.instrument), controls.fwhm,
      control("Profile", controls.profile, "elnes-narrow"), control("PDOS", controls.channel, "elnes-narrower")),
    element("div", { class: "elnes-plot" }, this.figure, this.empty), element("div", { class: "elnes-foot-bar" }, this.warning, file));
  }

  // Draw the sites with these labels, each as the slot that it has.
  show(drawn, slots) {
    Object.assign(this, { drawn, slots });
    return this.plot();
  }

  // What the list of instruments shows for the present broadening.
  instrument() {
    const { fwhm, profile } = this.state, known = this.words.instruments.some(([, width]) => width === fwhm);
    this.controls.instrument.value = fwhm && (profile === "lorentzian" || !known) ? this.words.own_width : fwhm;
  }

  get options() {
    const { zero, polarization, intensity, fwhm, profile } = this.state;
    const broadening = profile === "lorentzian" ? { lorentzian: fwhm } : { gaussian: fwhm };
    return { zero, polarization, normalized: intensity === "mean", broadening };
  }

  described() {
    const { drawn, sites, options } = this, names = drawn.map((label) => sites.names[sites.positions.get(label)]);
    const few = names.length <= FEW ? names : [...names.slice(0, FEW), `and ${names.length - FEW} more`];
    const along = options.polarization === "isotropic" ? "" : `, polarization along ${options.polarization}`;
    const { profile, fwhm } = this.state, wide = fwhm ? `, broadened by ${fwhm} eV ${profile === "lorentzian" ? "Lorentzian" : "Gaussian"}` : "";
    const unit = options.normalized ? ", in units of the mean" : "";
    return [[...few, ...(along ? [options.polarization] : [])], `${this.app.words.edge} edge: ${few.join(", ")}${along}${wide}${unit}`];
  }

  plot() {
    const { app, drawn, sites, options, state } = this, template = app.templates.overlay, titles = app.words.figures;
    hide(this.empty, drawn.length > 0);
    const curves = drawn.map((label) => sites.spectrum(sites.positions.get(label), options));
    const states = drawn.map((label) => sites.states(sites.positions.get(label), state.channel, options));
    const [factor, unit] = intensityUnit(curves.map(({ y }) => y), options.normalized, titles.superscript);
    for (const curve of curves) curve.y = [...curve.y].map((value) => factor * value);
    const range = shownRange(curves), filled = {}, tops = [curves, states].map((group) => highest(group, range));
    const step = tops.map((top) => (state.waterfall && drawn.length > 1 ? 0.6 * top : 0));
    const wide = this.figure.clientWidth > 560, { length } = drawn, above = length <= titles.legend_limit;
    drawn.forEach((label, i) => {
      const slot = this.slots.get(label), name = sites.names[sites.positions.get(label)];
      [curves, states].forEach((group, k) => {
        filled[`${k + 1}.${slot}`] = { x: group[i].x, y: [...group[i].y].map((value) => value + i * step[k]), name,
          showlegend: k === 0,
          hovertemplate: `%{x:.1f} eV, %{y:${k ? ".3g" : ".4g"}}${step[k] ? "<br>(shifted up)" : ""}` };
      });
    });
    const shift = (k) => (step[k] ? " + offset" : ""), last = Math.max(length - 1, 0);
    const heights = tops.map((top, k) => { const most = top + last * step[k] || 1; return [-0.02 * most, 1.08 * most]; });
    const seen = `${state.zero}${app.sites.pdos ? "" : " "}`; // a new zero, or the first PDOS, takes back what was zoomed to
    const layout = {
      xaxis: axis(template, "xaxis", { range }),
      xaxis2: axis(template, "xaxis2", { range, title: titled(template, "xaxis2", titles.energy_titles[state.zero]) }),
      yaxis: axis(template, "yaxis", { range: heights[0], uirevision: `${seen}${unit}${state.waterfall}`,
        title: titled(template, "yaxis", `ELNES (${unit})${shift(0)}`) }),
      yaxis2: axis(template, "yaxis2", { range: heights[1], uirevision: `${seen}${state.channel}${state.waterfall}`,
        title: titled(template, "yaxis2", `${titles.pdos_titles[state.channel]}${shift(1)}`) }),
      uirevision: seen, showlegend: length > 0 && (above || wide),
      margin: { ...template.layout.margin, t: above ? 36 : 26 },
    };
    if (!above) layout.legend = { x: 1.01, xanchor: "left", y: 1, yanchor: "top", bgcolor: "rgba(0,0,0,0)", tracegroupgap: 0 };
    const lost = drawn.filter((_, i) => !curves[i].x.length).map((label) => sites.names[sites.positions.get(label)]);
    write(this.warning, lost.length ? `<span class="elnes-warn">Not drawn: ${escaped(lost.join(", "))}. Their absolute onset is not ` +
      "computed yet; count from the valence-band maximum to see them.</span>" : "");
    const order = drawn.flatMap((label) => [`1.${this.slots.get(label)}`, `2.${this.slots.get(label)}`]);
    const figure = fill(template, filled, layout);
    figure.data = figure.data.filter(({ meta }) => order.includes(meta)).sort((a, b) => order.indexOf(a.meta) - order.indexOf(b.meta));
    return draw(this.figure, figure, titles.config);
  }
}

// (low, high) in eV worth showing first: around the first intensity of all curves.
function shownRange(curves) {
  const all = curves.flatMap(({ y }) => y), top = all.reduce((a, b) => Math.max(a, b), 1e-12);
  let start = Infinity;
  for (const { x, y } of curves) {
    const i = y.findIndex((value) => value > RISE * top);
    if (i >= 0) start = Math.min(start, x[i]);
  }
  if (!Number.isFinite(start)) start = BELOW;
  return [start - BELOW, start + ABOVE];
}

// Highest value within a range of energies; the valence band at its left does not count.
function highest(curves, [low, high]) {
  let top = 0;
  for (const { x, y } of curves) y.forEach((value, i) => { if (x[i] >= low + EDGE && x[i] <= high && value > top) top = value; });
  return top;
}
