// Reads what elnes_lab/site/pack.py has written: typed arrays, JSON, and curves in steps of their highest value, which are
// unpacked one by one when they are drawn.
const FOLDER = new URL("../data/", import.meta.url); // relative: the pages work below any path
const NOTHING = -32768; // in the place of NaN, see pack.py
const TYPES = { float32: Float32Array, float64: Float64Array, int32: Int32Array };

async function bytes(name) {
  const answer = await fetch(new URL(name, FOLDER)).catch((problem) => { throw new Error(`${name}: ${problem.message}`); });
  if (!answer.ok) throw new Error(`${name}: ${answer.status} ${answer.statusText}`);
  return answer;
}

export async function manifest() {
  return (await bytes("site.json")).json();
}

// Curves of shape (..., m). `get(i)`: curve number i of all, counted along the last of the leading axes first.
class Curves {
  constructor(buffer, start, shape, step) {
    this.length = shape.at(-1);
    this.count = shape.slice(0, -1).reduce((a, b) => a * b, 1);
    this.content = new Uint8Array(buffer, start, 2 * this.count * this.length);
    this.step = step;
  }

  get(i) {
    const { length, content } = this, high = this.count * length, from = i * length;
    const found = new Float64Array(length);
    let change = 0, value = 0; // 16 bits of second differences add up to the steps, whatever runs over
    for (let k = 0; k < length; k++) {
      change = ((change + (content[from + k] | (content[high + from + k] << 8))) << 16) >> 16;
      value = ((value + change) << 16) >> 16;
      found[k] = value === NOTHING ? NaN : value * this.step[i];
    }
    return found;
  }
}

// What a file holds by name, as its description in the manifest says.
export async function load(description) {
  const answer = await bytes(description.file);
  const buffer = await new Response(answer.body.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  const found = {};
  for (const entry of description.entries) {
    const { name, type, shape, start } = entry;
    if (type === "json") {
      const text = new TextDecoder().decode(new Uint8Array(buffer, start, entry.bytes));
      found[name] = JSON.parse(text.replace(/\0+$/, ""));
    } else if (type === "curves") found[name] = new Curves(buffer, start, shape, found[`${name}.step`]);
    else found[name] = new TYPES[type](buffer, start, shape.reduce((a, b) => a * b, 1));
  }
  return found;
}
