"""What the card of a stored ensemble says, checked as `card` checks that of a network. Needs no torch.

parts: a list of {"kernel": number of its training sites or null, "network": {"hyper_parameters", "sizes"} or null};
known: number of training sites stored, which the parts share; folds: structure -> number of the part that never saw it.
"""

from __future__ import annotations

from typing import NamedTuple

from ..errors import DataError
from .card import KEYS as MODEL_KEYS
from .card import SHOWN, check_common, check_entries, check_sizes, refusal
from .choices import InputChoice, TargetChoice, shown
from .directions import BLOCKS, STRENGTHS
from .hyper import Hyper

KEYS = {name: kind for name, kind in MODEL_KEYS.items() if name not in ("hyper_parameters", "sizes")} | {
    "channels": list,
    "strengths": list,
    "parts": list,
    "folds": dict,
    "known": int,
    "intervals": int,
}
MOST_PARTS = 20
MOST_PAIRS = 10**8  # training samples squared, of all parts: what a prediction keeps in memory, 4 bytes each


class PartMeaning(NamedTuple):
    """Training sites of the kernel model (0: none); hyper-parameters and sizes of the network, or None."""

    kernel: int
    hyper: Hyper | None
    sizes: dict | None

    @property
    def models(self) -> int:
        return (self.kernel > 0) + (self.hyper is not None)


class EnsembleMeaning(NamedTuple):
    """What a checked card says; intervals: whether there are any."""

    choice: InputChoice
    target: TargetChoice
    parts: tuple[PartMeaning, ...]
    known: int
    intervals: bool


def meaning(card: dict, path) -> EnsembleMeaning:
    """What a card says. Raises DataError, with the path, for unknown keys, other types, and values that cannot be or do
    not fit together.
    """
    refuse = refusal(path)
    check_entries(card, KEYS, {name: SHOWN[name] for name in ("inputs", "target")}, refuse)
    try:
        choice, target = InputChoice.from_dict(card["inputs"]), TargetChoice.from_dict(card["target"])
    except DataError as problem:
        raise refuse(str(problem)) from None
    check_common(card, refuse)
    if not choice.directed:
        raise refuse("its inputs have no directions.")
    if card["channels"] != list(BLOCKS) or card["strengths"] != list(STRENGTHS):
        raise refuse("its channels are not those of this version.")
    if not 1 <= len(card["parts"]) <= MOST_PARTS:
        raise refuse(f"it has {len(card['parts'])} parts, which is not from 1 to {MOST_PARTS}.")
    if not 0 <= card["known"] <= 10**6 or card["intervals"] not in (0, 1):
        raise refuse(f"its 'known' is {card['known']} and its 'intervals' {card['intervals']}.")
    parts = tuple(part_of(entry, card["known"], choice, target, refuse) for entry in card["parts"])
    kinds = {(part.kernel > 0, part.hyper is not None) for part in parts}
    if len(kinds) > 1 or not parts[0].models:
        raise refuse("its parts are not of the same models.")
    if sum((3 * part.kernel) ** 2 for part in parts) > MOST_PAIRS:
        raise refuse(f"its parts remember more than {MOST_PAIRS:,} pairs of training spectra; use fewer.")
    for name, number in card["folds"].items():
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < len(parts):
            raise refuse(f"the fold of {shown(name)} is {shown(number)}, which names a part that is not there.")
    return EnsembleMeaning(choice, target, parts, card["known"], bool(card["intervals"]))


def part_of(entry, known: int, choice: InputChoice, target: TargetChoice, refuse) -> PartMeaning:
    """The meaning of one entry of the parts."""
    if not isinstance(entry, dict) or entry.keys() != {"kernel", "network"}:
        raise refuse(f"a part of it is {shown(entry)}.")
    kernel, network = entry["kernel"], entry["network"]
    if kernel is not None and (isinstance(kernel, bool) or not isinstance(kernel, int) or not 1 <= kernel <= known):
        raise refuse(f"a part of it has {shown(kernel)} training sites of {known}.")
    if network is None:
        return PartMeaning(kernel or 0, None, None)
    if (
        not isinstance(network, dict)
        or network.keys() != {"hyper_parameters", "sizes"}
        or not all(isinstance(value, dict) for value in network.values())
    ):
        raise refuse(f"a network of it is {shown(network)}.")
    try:
        hyper = Hyper.of(network["hyper_parameters"])
    except DataError as problem:
        raise refuse(str(problem)) from None
    check_sizes(network["sizes"], choice, target.bins, len(BLOCKS), refuse)
    return PartMeaning(kernel or 0, hyper, network["sizes"])


def spectra(card: dict) -> int:
    """Numbers that an ensemble with this card predicts for one site."""
    target = TargetChoice.from_dict(card["target"])
    members = max((p["network"]["hyper_parameters"].get("members", 1) if p["network"] else 0) for p in card["parts"])
    return (3 * (members + 1) + 6) * target.bins
