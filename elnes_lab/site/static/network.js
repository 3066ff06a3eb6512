// The exported networks: from a PDOS on any axis to a spectrum with its interval. The same operations as elnes_lab.learning
// (dataset.bins, network.Network, intervals.around, domain.DomainScore), in double precision.
const FWHM = Math.sqrt(8 * Math.log(2)); // of a Gaussian, in standard deviations
const REACH = 4; // standard deviations, beyond which a Gaussian adds nothing
const STEP = 0.1; // eV, of the curves that the networks were trained on: a bin is the mean of such points

// Rows of a matrix that is packed as curves.
const rows = (curves) => Array.from({ length: curves.count }, (_, i) => curves.get(i));

export class Networks {
  constructor(pack) {
    this.pack = pack;
    Object.assign(this, pack.networks);
    this.energy = pack.energy;
    this.inputEnergy = pack.input_energy;
    this.nets = this.models.map((model, k) => new Network(pack, k, model));
  }

  // The bins (one array per channel) of curves at energies (eV from the zero of the inputs) in ascending order. The convolution
  // with the Gaussian is a sum over the points given, each with the width that it stands for: no grid is needed in between.
  binned(energy, curves) {
    const sigma = this.broadening / FWHM, last = energy.length - 1;
    const width = energy.map((e, i) => (energy[Math.min(i + 1, last)] - energy[Math.max(i - 1, 0)]) / 2);
    const half = (this.points - 1) / 2, offsets = Array.from({ length: this.points }, (_, j) => STEP * (j - half));
    return curves.map((values) => Float64Array.from(this.inputEnergy, (centre) => {
      let sum = 0, weight = 0;
      for (let i = 0; i <= last; i++) {
        if (Math.abs(energy[i] - centre) > REACH * sigma + half * STEP) continue;
        for (const offset of offsets) {
          const share = width[i] * Math.exp(-0.5 * ((energy[i] - centre - offset) / sigma) ** 2);
          sum += share * values[i];
          weight += share;
        }
      }
      return sum / weight;
    }));
  }
}

class Network {
  constructor(pack, k, model) {
    Object.assign(this, model);
    for (const [name, value] of Object.entries(pack)) {
      const [what, number] = name.split(/\.(?=\d+$)/);
      if (number === String(k) && !what.endsWith(".step")) this[what] = value.get ? rows(value) : value;
    }
    this.bins = this.input_mean.length / this.input_scale.length;
  }

  // bins: arrays, one per channel; scalars: numbers. Mean spectrum, its interval, and the out-of-domain score.
  predict(bins, scalars) {
    const scaled = [], plain = [];
    bins.forEach((values, c) => values.forEach((value, b) => {
      plain.push(value);
      scaled.push((value - this.input_mean[c * this.bins + b]) / this.input_scale[c]);
    }));
    const encoded = this.input_components.map((component) => dot(component, scaled));
    scalars.forEach((value, s) => encoded.push((value - this.scalar_mean[s]) / this.scalar_scale[s]));
    const size = this.target_mean.length, mean = new Float64Array(size), coefficients = this.target_components.length;
    for (let member = 0; member < this.members; member++) {
      const found = times(encoded, this.skip_weight, member, this.skip_offset, coefficients);
      let hidden = encoded;
      for (let i = 0; i < this.layers; i++) {
        const offset = this[`offset_${i}`], wide = offset.length / this.members;
        hidden = times(hidden, this[`weight_${i}`], member, offset, wide);
        if (i < this.layers - 1) hidden = hidden.map((x) => x / (1 + Math.exp(-x)));
      }
      const total = found.map((value, j) => value + hidden[j]);
      for (let e = 0; e < size; e++) {
        let x = this.target_mean[e];
        for (let j = 0; j < coefficients; j++) x += total[j] * this.target_components[j][e];
        mean[e] += (x + Math.sqrt(x * x + 4 * this.softness[0] ** 2)) * 0.5 * this.output_scale[0] / this.members;
      }
    }
    const at = (sign) => (this.width ? mean.map((value, e) => Math.max(value + sign * this.width[e], 0)) : null); // of too few: none
    return { mean, lower: at(-1), upper: at(1), score: this.score([...plain, ...scalars]) };
  }

  // Below 1: as familiar as the structures of the training are to one another.
  score(features) {
    const { domain_low: low, domain_high: high, domain_scale: scale, domain_mean: mean } = this;
    let beyond = 0, size = 0;
    const centred = features.map((value, i) => {
      beyond += (Math.max(value - high[i], low[i] - value, 0) / scale[i]) ** 2;
      const found = (value - mean[i]) / scale[i];
      size += found * found;
      return found;
    });
    let distance = 0, inside = 0;
    const scores = this.domain_components.map((component) => dot(component, centred));
    scores.forEach((value, j) => { distance += (value / this.domain_spread[j]) ** 2 / scores.length; inside += value * value; });
    distance += Math.max(size - inside, 0) / this.rest ** 2;
    return Math.max(Math.sqrt(beyond / features.length) / this.limits[0], Math.sqrt(distance) / this.limits[1]);
  }
}

function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

// A row times the matrix of a member, whose rows follow those of the members before, and its offset.
function times(values, matrix, member, offset, wide) {
  const found = Array.from({ length: wide }, (_, j) => offset[member * wide + j]), first = member * values.length;
  values.forEach((value, i) => { const row = matrix[first + i]; for (let j = 0; j < wide; j++) found[j] += value * row[j]; });
  return found;
}
