// A table that a visitor gives: columns of numbers as text, with whatever separates them.
const MOST = 8e6; // characters
const FEWEST = 30; // rows

// Energies (eV, ascending) and a curve for each of the names, from a text with a line of names or with the columns in that order;
// gap: what a comment says it is, or null; notes: what was done. Throws an Error whose message is a sentence.
export function columns(text, names) {
  if (text.length > MOST) throw new Error(`The text has ${(text.length / 1e6).toFixed(0)} million characters; ${MOST / 1e6} are the most. Give one site alone.`);
  const lines = text.split(/\r?\n/).map((line) => line.trim()).filter(Boolean);
  const comment = (line) => /^[#%!@]/.test(line), notes = [];
  const gap = lines.filter(comment).map((line) => /band gap:?\s*([\d.]+)/i.exec(line)?.[1]).find(Boolean);
  const split = lines.filter((line) => !comment(line)).map(cells), values = (line) => line.map(Number);
  const numeric = (line) => line.length > 1 && values(line).every((value, i) => line[i] !== "" && Number.isFinite(value));
  const begin = split.findIndex(numeric);
  if (begin < 0) throw new Error("No line has two numbers or more. Give columns: energy in eV, then the densities of states.");
  const head = begin > 0 ? split[begin - 1] : [];
  const places = [Math.max(head.findIndex((cell) => /energy/i.test(cell)), 0), ...names.map((name) => head.findIndex((cell) => new RegExp(`(^|[^a-z])${name}([^a-z]|$)`, "i").test(cell)))];
  const named = places.every((place) => place >= 0), width = split[begin].length;
  if (!named) {
    if (width <= names.length) {
      throw new Error(`There are ${width} columns, and ${names.length + 1} are needed: energy, ${names.join(", ")}.`);
    }
    for (let i = 0; i <= names.length; i++) places[i] = i;
    if (width > names.length + 1) notes.push(`Of ${width} columns the first ${names.length + 1} were taken.`);
  }
  const body = split.slice(begin), good = body.filter((line) => numeric(places.map((place) => line[place] ?? "")));
  if (good.length < body.length) notes.push(`${body.length - good.length} lines without numbers were left out.`);
  if (good.length < FEWEST) throw new Error(`${good.length} lines have numbers; at least ${FEWEST} are needed.`);
  const found = good.map((line) => places.map((place) => Number(line[place])));
  if (found.at(-1)[0] < found[0][0]) found.reverse();
  if (found.some(([energy], i) => i && energy <= found[i - 1][0])) {
    throw new Error("The energies go up and down, or one occurs twice. Sort the lines, and give one site alone.");
  }
  const [energy, ...curves] = places.map((_, i) => Float64Array.from(found, (line) => line[i]));
  return { energy, curves, gap: gap === undefined ? null : Number(gap), notes };
}

// Cells of a line, which semicolons, tabs, commas or blanks separate; beside the first two a comma is the decimal sign.
function cells(line) {
  for (const sign of [";", "\t"]) {
    if (line.includes(sign)) return line.split(sign).map((cell) => cell.trim().replace(/^([-+]?\d*),(\d+)/, "$1.$2"));
  }
  return line.split(line.includes(",") ? "," : /\s+/).map((cell) => cell.trim());
}
