"""What a structure is called: one name for people, made when the database is built, and where the structure came from.

The raw files carry the name of the prototype's library (a mineral, or a label such as "A2B_tI12_141_e_a"), a framework code or
a running number. Here each becomes what a mineralogist would say of silica of that structure.
"""

import re
from typing import NamedTuple

MINERALS = {
    "Coesite": "coesite",
    "Cristobalite": "alpha-cristobalite",
    "Quartz-alpha": "alpha-quartz",
    "Quartz-beta": "beta-quartz",
    "Stishovite": "stishovite",
}
# Name in the raw files -> the structure, label of its prototype: Pearson symbol, number of the space group, Wyckoff letters
# (Mehl et al., Comput. Mater. Sci. 136, S1 (2017)).
SILICA = {
    "High-Orthorhombic-Tridymite": ("orthorhombic tridymite", "A2B_oC24_20_abc_c"),
    "high-beta-Cristobalite": ("beta-cristobalite", "A2B_cF24_227_c_a"),
    "Keatite": ("keatite", "A2B_tP36_96_3b_ab"),
}
TYPES = {
    "Anatase": ("anatase", "A2B_tI12_141_e_a"),
    "Baddeleyite": ("baddeleyite", "A2B_mP12_14_2e_e"),
    "Brookite": ("brookite", "A2B_oP24_61_2c_c"),
    "Calaverite": ("calaverite", "AB2_mC6_12_a_i"),
    "Cuprite": ("cuprite", "A2B_cP6_224_b_a"),
    "Germanium-disuphide": ("GeS2", "AB2_oF72_43_ab_3b"),
    "Krennerite": ("krennerite", "AB2_oP24_28_acd_2c3d"),
    "Silicon-Disuphide": ("SiS2", "A2B_oI12_72_j_a"),
    "Zirconium-Disilicide": ("ZrSi2", "A2B_oC12_63_2c_c"),
    "A2B_aP6_2_2i_i": ("P2I4", "A2B_aP6_2_2i_i"),
    "A2B_hP18_180_fi_bd": ("Mg2Ni", "A2B_hP18_180_fi_bd"),
    "A2B_hP9_189_fg_bc": ("Fe2P", "A2B_hP9_189_fg_bc"),
    "A2B_mP12_3_bc3e_2e": ("monoclinic SiO2", "A2B_mP12_3_bc3e_2e"),
    "A2B_oC12_36_2a_a": ("HgBr2", "A2B_oC12_36_2a_a"),
    "A2B_oP12_19_2a_a": ("Ag2Se", "A2B_oP12_19_2a_a"),
    "A2B_oP12_62_2c_c": ("PbCl2 or Co2Si", "A2B_oP12_62_2c_c"),  # of one label
    "A2B_tI24_141_2e_e": ("HfGa2", "A2B_tI24_141_2e_e"),
    "AB2_cF48_227_c_e": ("CTi2", "AB2_cF48_227_c_e"),
    "AB2_cF96_227_e_cf": ("NiTi2", "AB2_cF96_227_e_cf"),
    "AB2_hP9_180_d_j": ("CrSi2", "AB2_hP9_180_d_j"),
    "AB2_oC24_41_2a_2b": ("PdSn2", "AB2_oC24_41_2a_2b"),
    "AB2_tI6_139_a_e": ("MoSi2", "AB2_tI6_139_a_e"),
}
LABEL = re.compile(r"[A-Z0-9]+_[a-z][A-Z]\d+_(\d{1,3})_\w+")  # of a prototype


class Named(NamedTuple):
    """name for people; prototype: label of the structure that this one was made from, "" without; its group's symbol."""

    name: str
    prototype: str = ""
    prototype_group: str = ""


def given(name: str, source: str, number: int) -> Named:
    """Named of a structure with the name and the source of its raw files and the space-group number that it has now.

    A structure that has another space group than its prototype, which it left in the relaxation, is called "from ... type".
    What a user brought keeps its name.
    """
    if source == "mineral":
        return Named(MINERALS.get(name, name))
    if source == "framework" and re.fullmatch(r"[A-Z]{3}", name):
        return Named(f"{name} framework")
    if source == "melt-quench":
        return Named(re.sub(r"^glass-(\d+)$", r"glass \1", name))
    if source == "search":
        return Named(re.sub(r"^rnd-([\d-]+)$", r"search \1", name))
    if source != "prototype":
        return Named(name)
    called, label = SILICA.get(name) or TYPES.get(name) or (name, name)
    found = LABEL.fullmatch(label)
    kept = found is None or int(found[1]) == number
    text = called if name in SILICA and kept else f"{'' if kept else 'from '}{called} type"
    return Named(text, label if found else "", international(int(found[1])) if found else "")


def international(number: int) -> str:
    """Symbol of a space-group number, as spglib writes it for the structures themselves."""
    import spglib

    return next(
        found.international_short
        for hall in range(1, 531)
        if (found := spglib.get_spacegroup_type(hall)).number == number
    )


def distinct(found: list[tuple[str, str, Named]]) -> dict[str, Named]:
    """id -> Named of structures (id, symbol of the space group, Named): two of one name get the space group, or else the id,
    after it.
    """
    named = {sid: one for sid, _, one in found}
    for ends in ({sid: group for sid, group, _ in found}, {sid: sid for sid, *_ in found}):
        names = [one.name for one in named.values()]
        named = {
            sid: one._replace(name=f"{one.name}, {ends[sid]}") if names.count(one.name) > 1 else one
            for sid, one in named.items()
        }
    return named
