"""Search in the names of the sites: the words that people use for silica, space groups however they are written, near misses."""

import difflib
import re

import numpy as np

from .words import SEARCHED

SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
GREEK = {"α": "alpha", "β": "beta", "γ": "gamma"}
EVERY = ("silica", "sio2")  # what all of the database is
ALSO = {  # word -> what it is called in the columns
    "zeolite": "framework",
    "fused": "amorphous",
    "vitreous": "amorphous",
    "crystalline": "crystal",
    "hypothetical": "search",
}
NEAR = 0.75  # least likeness (0 to 1) of a near miss
SHORTEST = 4  # letters of a word that may be a near miss


def plain(text) -> str:
    """A text as it is compared: small letters, Greek ones written out, digits of screw axes as the others ("P3_221" and
    "P3₂21" as "p3221")."""
    text = text.casefold().translate(SUBSCRIPTS)
    for letter, name in GREEK.items():
        text = text.replace(letter, name)
    return text.replace("_", "")


class Search:
    """Words of the sites `labels` (n texts) with the columns of a database; `find(text)` says which sites match."""

    def __init__(self, labels, columns) -> None:
        words = [np.asarray(columns[name]).astype(str) for name in SEARCHED]
        self.texts = np.array([plain(" ".join(row)) for row in zip(labels, *words)])
        self.known, self.vocabulary = {}, None

    def find(self, text) -> tuple:
        """(mask (n,) of the sites in which all words of a text occur, sentence about words that were taken for others or "").

        A word with hyphens also matches in another order of its parts ("alpha-quartz", "quartz-alpha").
        """
        mask, guesses = np.ones(len(self.texts), bool), []
        for word in text.split():
            found = self.word(plain(word))
            if not found.any() and (near := self.near(plain(word))):
                guesses.append(f"“{word}” was taken for “{near}”")
                found = self.word(near)
            mask &= found
        return mask, f"{', '.join(guesses)}." if guesses else ""

    def word(self, word) -> np.ndarray:
        """Mask of the sites in which a word occurs, in one piece, or else in parts."""
        word = ALSO.get(word, word)
        if word not in self.known:
            found = self.holding(word)
            parts = [part for part in word.split("-") if part]
            if word in EVERY:
                found = np.ones(len(self.texts), bool)
            elif not found.any() and len(parts) > 1:
                found = np.all([self.holding(part) for part in parts], axis=0)
            if len(self.known) > 200:  # of what was typed letter by letter
                self.known.clear()
            self.known[word] = found
        return self.known[word]

    def holding(self, word) -> np.ndarray:
        return np.array([word in text for text in self.texts], bool).reshape(len(self.texts))

    def near(self, word) -> str | None:
        """The word of the database that is most like one that does not occur; None if none is."""
        if len(word) < SHORTEST:
            return None
        if self.vocabulary is None:
            self.vocabulary = sorted({part for text in self.texts for part in re.findall(r"[a-z][a-z0-9/]{3,}", text)})
        return next(iter(difflib.get_close_matches(word, self.vocabulary, 1, NEAR)), None)
