// Spectra and densities of states as the pages draw them: another zero of energy, broadened, normalised. The same operations as
// elnes_lab.spectra; nothing is interpolated, each curve keeps its own energies.
const FWHM = Math.sqrt(8 * Math.log(2)); // of a Gaussian, in standard deviations
const tables = new Map(); // length of a curve -> cosines of its transform

function cosines(size) {
  if (!tables.has(size)) tables.set(size, Float64Array.from({ length: 4 * size }, (_, i) => Math.cos(Math.PI * i / (2 * size))));
  return tables.get(size);
}

// A curve convolved with a Gaussian and a Lorentzian of these widths (FWHM, eV), continued at its ends by its mirror image.
export function broaden(values, step, { gaussian = 0, lorentzian = 0 }) {
  if (!gaussian && !lorentzian) return values;
  const size = values.length, table = cosines(size), period = 4 * size, result = new Float64Array(size);
  const sigma = gaussian / FWHM;
  for (let k = 0; k < size; k++) {
    const frequency = Math.PI * k / (size * step);
    const kept = Math.exp(-0.5 * lorentzian * frequency - 0.5 * (sigma * frequency) ** 2);
    if (kept < 1e-12) break;
    let sum = 0;
    for (let j = 0, at = k; j < size; j++, at = (at + 2 * k) % period) sum += values[j] * table[at];
    sum *= kept * (k ? 2 : 1) / size;
    for (let j = 0, at = k; j < size; j++, at = (at + 2 * k) % period) result[j] += sum * table[at];
  }
  return result;
}

export class Sites {
  // axes: of the manifest; table, spectra, pdos: contents of the files of those names; channels: names.
  constructor(axes, table, spectra, channels) {
    Object.assign(this, table.table, { shifts: table, axes, channels, elnes: spectra.elnes, pdos: null });
    this.count = this.sites.length;
    this.energy = axis(axes.energy);
    this.pdosEnergy = axis(axes.pdos_energy);
    this.positions = new Map(this.sites.map((label, i) => [label, i]));
    this.amorphous = this.columns.kind.map((kind) => kind === "amorphous");
  }

  isotropic(row) {
    const [x, y, z] = [0, 1, 2].map((k) => this.elnes.get(3 * row + k));
    return x.map((value, i) => (value + y[i] + z[i]) / 3);
  }

  // Energies (eV) and intensity (bohr²/eV, or units of the mean) of a site; empty where its zero of energy is not known.
  spectrum(row, { zero, polarization, broadening, normalized }) {
    const by = this.shifts[`shift.${zero}`][row];
    if (!Number.isFinite(by)) return { x: [], y: [] };
    const step = this.axes.energy[2], whole = polarization === "isotropic" || normalized ? this.isotropic(row) : null;
    const chosen = polarization === "isotropic" ? whole : this.elnes.get(3 * row + "xyz".indexOf(polarization));
    let y = broaden(chosen, step, broadening);
    if (normalized) {
      const mean = this.mean(chosen === whole ? y : broaden(whole, step, broadening));
      y = y.map((value) => value / mean);
    }
    return { x: moved(this.energy, by), y };
  }

  mean(values) {
    const [low, high] = this.axes.mean_window, half = 1e-3 * this.axes.energy[2];
    let sum = 0, count = 0;
    values.forEach((value, i) => {
      if (this.energy[i] >= low - half && this.energy[i] <= high + half) { sum += value; count += 1; }
    });
    return sum / count;
  }

  // Density of states (states/eV/atom) of a channel, up to where it is complete.
  states(row, channel, { zero, broadening }) {
    const by = this.shifts[`pdos_shift.${zero}`][row];
    if (!this.pdos || !Number.isFinite(by)) return { x: [], y: [] };
    const at = this.channels.length * row + this.channels.indexOf(channel), top = this.shifts.pdos_top[row];
    const last = this.pdosEnergy.findLastIndex((energy) => energy <= top) + 1;
    const y = broaden(this.pdos.get(at), this.axes.pdos_energy[2], broadening).slice(0, last);
    return { x: moved(this.pdosEnergy, by).slice(0, last), y };
  }
}

function axis([start, count, step]) {
  return Float64Array.from({ length: count }, (_, i) => start + i * step);
}

const moved = (energy, by) => energy.map((value) => Math.round((value + by) * 1e7) / 1e7);

// (factor, unit) to draw intensities: as elnes_lab.figures.style.intensity_unit.
export function intensityUnit(values, normalized, superscript) {
  if (normalized) return [1, "mean = 1"];
  let top = 0;
  for (const curve of values) for (const value of curve) if (Math.abs(value) > top) top = Math.abs(value);
  const power = top > 0 ? 3 * Math.floor(Math.log10(top) / 3) : 0;
  const written = [...String(power)].map((sign) => superscript[sign]).join("");
  return [10 ** -power, power ? `10${written} bohr²/eV` : "bohr²/eV"];
}

// Value of a curve at another energy, linear between its points, the end values beyond them.
export function at(x, y, energy) {
  const step = (x.at(-1) - x[0]) / (x.length - 1), place = Math.min(Math.max((energy - x[0]) / step, 0), x.length - 1);
  const low = Math.min(Math.floor(place), x.length - 2);
  return y[low] + (place - low) * (y[low + 1] - y[low]);
}
