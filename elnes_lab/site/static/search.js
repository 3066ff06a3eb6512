// Search in the names of the sites, by the texts and words of elnes_lab/dashboard/common/search.py; near misses are not guessed.
const SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉", GREEK = { "α": "alpha", "β": "beta", "γ": "gamma" };

function plain(text) {
  return text.toLowerCase().replaceAll(/[₀-₉]/g, (sign) => SUBSCRIPTS.indexOf(sign)).replaceAll(/[αβγ]/g, (sign) => GREEK[sign])
    .replaceAll("_", "");
}

export class Search {
  constructor({ texts, also, every }) { Object.assign(this, { texts, also, every }); }

  // mask of the sites in which all words of a text occur, and a sentence about words that occur nowhere
  find(text) {
    const words = text.split(/\s+/).filter(Boolean).map(plain), unknown = [];
    let mask = this.texts.map(() => true);
    for (const word of words) {
      const found = this.word(word);
      if (!found.includes(true)) unknown.push(word);
      mask = mask.map((passes, i) => passes && found[i]);
    }
    const guess = unknown.length ? `Nothing is called ${unknown.map((word) => `“${word}”`).join(", ")}.` : "";
    return { mask, guess };
  }

  word(asked) {
    const word = this.also[asked] ?? asked, parts = word.split("-").filter(Boolean);
    if (this.every.includes(word)) return this.texts.map(() => true);
    const found = this.texts.map((text) => text.includes(word));
    if (found.includes(true) || parts.length < 2) return found;
    return this.texts.map((text) => parts.every((part) => text.includes(part)));
  }
}
