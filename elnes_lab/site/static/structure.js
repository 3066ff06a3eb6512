// The structure around a site, or its unit cell, as elnes_lab/site/drawings.py describes it; drawn by Plotly with WebGL.
import { bar, card, dropdown, element, escaped, hide, html, toggles, write } from "./widget.js";
import { plotly } from "./plots.js";

const UNIT = 1000; // of positions, to an angstrom
const FILL = 1.6, ASPECT = 1.7; // height of a scene in the drawing, width by height of its card
const SIZE = 37; // of a mark for a radius of 1 angstrom, drawn at 0.4 of it, when an angstrom is the drawing's unit

// `choose(labels, label)`: the sites to choose from, and which is drawn first; `draw()`: again, as after a change of theme.
export function structureCard(app) {
  const { scene } = app.words, { sites } = app;
  const heading = html("Structure", "elnes-heading"), axes = html("", "elnes-note elnes-axes"), facts = html("");
  const key = [["O*", "absorbing O"], ["Si", "Si"], ["O", "O"]].map(([name, text]) =>
    `<i style="background:${scene.species[name].color}"></i>${text}`).join("");
  const note = html(`<span class="elnes-key elnes-note" title="Drag to turn, scroll to zoom">${key}</span>`);
  const state = { label: null, cell: false };
  const choice = toggles([["Cluster", false, "The site with two shells of polyhedra around it"],
    ["Unit cell", true, "The unit cell, with the site in it"]], false, (value) => { state.cell = value; made.draw(); });
  choice.classList.add("elnes-what");
  const pick = dropdown([], null, "Which of the selected sites is drawn", (label) => show(label));
  pick.firstChild.setAttribute("aria-label", pick.firstChild.title);
  const view = element("div", { class: "elnes-scene", role: "img" }), box = element("div", { class: "elnes-scene-box" }, view, axes);
  const root = card(bar(heading, note, choice, pick), box, facts);
  root.classList.add("elnes-structure");

  function show(label) {
    state.label = label;
    const row = sites.positions.get(label);
    for (const one of [box, note, choice]) hide(one, label === null);
    if (label === null) {
      write(heading, "Structure");
      write(facts, "Select a spectrum to see where its oxygen sits.");
      return;
    }
    write(heading, `<span title="${escaped(app.words.index)}">Structure: ${escaped(sites.names[row])}</span>`);
    const items = sites.facts[row].map(([name, value]) => `<div><span>${escaped(name)}</span>${escaped(value)}</div>`).join("");
    write(facts, `<div class="elnes-facts">${items}</div>`);
    made.draw();
  }

  const made = {
    root,
    choose(labels, wanted) {
      const label = wanted ?? (labels.includes(state.label) ? state.label : labels.at(-1) ?? null);
      pick.fill(labels.map((one) => [sites.names[sites.positions.get(one)], one]));
      pick.value = label;
      hide(pick, labels.length < 2);
      if (label !== state.label || label === null) show(label);
    },
    draw() {
      if (state.label === null || !root.getClientRects().length) return;
      const row = sites.positions.get(state.label), name = sites.columns.structure[row];
      if (!app.structures || app.webgl === undefined) return; // still on its way
      const found = app.structures[name];
      view.setAttribute("aria-label", `${sites.names[row]}: ${state.cell ? "unit cell" : "surroundings of the oxygen"}`);
      if (!found) return void (view.textContent = app.problems.structures);
      write(axes, `<span title="${escaped(scene.help)}">Polarization: ${escaped(found.axes)}</span>`);
      if (!app.webgl) return void (view.textContent = scene.no_webgl);
      const atom = sites.columns.atom[row], figure = state.cell ? cell(found, atom, scene) : cluster(found, atom, scene);
      figure.layout.uirevision = `${state.cell}${state.cell ? name : state.label}`; // seen as it was turned
      const label = state.label;
      return plotly.then((library) => {
        if (state.label !== label || !root.getClientRects().length) return null;
        return library.react(view, figure.data, figure.layout, { displayModeBar: false, responsive: true });
      });
    },
  };
  show(null);
  return made;
}

const points = (flat) => Array.from({ length: flat.length / 3 }, (_, i) => [0, 1, 2].map((k) => flat[3 * i + k] / UNIT));
const split = (list) => ({ x: list.map((p) => p[0]), y: list.map((p) => p[1]), z: list.map((p) => p[2]) });
const add = (a, b) => a.map((value, i) => value + b[i]);
const scaled = (a, by) => a.map((value) => value * by);
const length = (a) => Math.hypot(...a);
const NONE = [null, null, null];

function cluster(found, atom, scene) {
  const drawn = found.sites[atom], center = [0, 0, 0];
  const arrows = points(found.abc).map((vector, i) => arrow("abc"[i], center, vector, scene.cell, 3));
  return assembled(drawn, 0, center, arrows, scene);
}

function cell(found, atom, scene) {
  const drawn = found.cell, all = points(drawn.at), absorber = drawn.absorbers[atom];
  const edges = points(drawn.edges), corner = scaled(edges.reduce(add), -0.5);
  const outline = [];
  for (const k of [0, 1, 2]) {
    const [a, b] = [0, 1, 2].filter((other) => other !== k).map((other) => edges[other]);
    for (const start of [corner, add(corner, a), add(corner, b), add(add(corner, a), b)]) outline.push(start, add(start, edges[k]), NONE);
  }
  const arrows = edges.map((vector, i) => arrow("abc"[i], corner, vector, scene.cell, 4));
  arrows.unshift({ ...line(outline, scene.cell, 2) });
  return assembled(drawn, absorber, absorber === null ? [0, 0, 0] : all[absorber], arrows, scene);
}

function line(list, color, width) {
  return { type: "scatter3d", mode: "lines", ...split(list), line: { color, width }, hoverinfo: "skip", showlegend: false };
}

function arrow(name, start, vector, color, width) {
  const tip = add(start, scaled(vector, 1 + 0.3 / length(vector)));
  return { ...line([start, add(start, vector), tip], color, width), mode: "lines+text", text: ["", "", name], textposition: "middle center" };
}

// Ranges of the three axes and their lengths in the drawing, so that the scene fills its card as seen from `view`.
function fitted(data, view, up) {
  const all = data.flatMap(({ x, y, z }) => x.map((value, i) => [value, y[i], z[i]])).filter(([value]) => value !== null);
  const ends = [0, 1, 2].map((k) => [Math.min(...all.map((p) => p[k])) - 0.4, Math.max(...all.map((p) => p[k])) + 0.4]);
  const side = unit(cross(up, view)), above = cross(view, side);
  const extent = (along) => { const seen = all.map((p) => dot(p, along)); return Math.max(...seen) - Math.min(...seen) + 0.8; };
  const by = FILL / Math.max(extent(above), extent(side) / ASPECT);
  const axis = { visible: false, showspikes: false }, [x, y, z] = ends.map(([low, high]) => by * (high - low));
  const axes = Object.fromEntries(["xaxis", "yaxis", "zaxis"].map((name, k) => [name, { ...axis, range: ends[k] }]));
  return { by, axes: { ...axes, aspectmode: "manual", aspectratio: { x, y, z } } };
}

const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
const cross = ([a, b, c], [x, y, z]) => [b * z - c * y, c * x - a * z, a * y - b * x];
const unit = (a) => scaled(a, 1 / length(a));

function assembled(drawn, absorber, center, arrows, scene) {
  const all = points(drawn.at), silicon = new Set(drawn.silicon), { species } = scene;
  const kind = (i) => (i === absorber ? "O*" : silicon.has(i) ? "Si" : "O");
  const text = getComputedStyle(document.querySelector(".elnes")).getPropertyValue("color");
  const faces = [0, 1, 2].map((k) => drawn.faces.filter((_, i) => i % 3 === k));
  const bonds = [];
  for (let i = 0; i < drawn.bonds.length; i += 2) bonds.push(all[drawn.bonds[i]], all[drawn.bonds[i + 1]], NONE);
  const data = [
    { type: "mesh3d", ...split(all), i: faces[0], j: faces[1], k: faces[2], color: species.Si.color, opacity: 0.3, flatshading: true,
      hoverinfo: "skip", lighting: { ambient: 0.9, diffuse: 0.2, specular: 0 } },
    line(bonds, species.O.color, 6),
    ...["O", "Si", "O*"].map((name) => {
      const chosen = all.map((_, i) => i).filter((i) => kind(i) === name), element = name.replace("*", "");
      return { type: "scatter3d", mode: "markers", ...split(chosen.map((i) => all[i])), showlegend: false,
        text: chosen.map((i) => `${element}${drawn.index[i]}${name === "O*" ? ", absorbing" : ""}`), hovertemplate: "%{text}<extra></extra>",
        marker: { size: SIZE * species[name].radius, color: species[name].color, opacity: 1, line: { width: 1, color: "rgba(0,0,0,.35)" } } };
    }),
    ...arrows,
    ...scene.polarization.map((color, i) =>
      arrow("xyz"[i], center, [0, 1, 2].map((k) => (k === i ? scene.reach : 0)), color, 7)),
  ];
  const { view } = drawn, up = Math.abs(view[1]) > 0.95 ? [0, 0, 1] : [0, 1, 0], { by, axes } = fitted(data, view, up);
  for (const trace of data) {
    if (trace.mode === "lines+text") trace.textfont = { size: 16, color: text };
    if (trace.mode === "markers") trace.marker.size *= by;
  }
  const named = ([x, y, z], by = 1) => ({ x: by * x, y: by * y, z: by * z });
  return { data, layout: {
    margin: { l: 0, r: 0, t: 0, b: 0 }, paper_bgcolor: "rgba(0,0,0,0)", showlegend: false, autosize: true,
    scene: { ...axes, dragmode: "orbit",
      camera: { up: named(up), eye: named(view, 2), projection: { type: "orthographic" } } },
  } };
}
