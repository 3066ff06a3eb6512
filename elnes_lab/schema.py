"""Layout of the database file: the per-site columns with type, unit and meaning, and the named axes."""

from typing import NamedTuple

FILE = "silicon_oxides_o_k.nc"
STRUCTURES = "structures.extxyz"
CHECKSUMS = "SHA256SUMS"
CONVENTIONS = "ELNES Lab 2"  # 2: digests of all variables, structures in the file
ENERGY_STEP = 0.1  # eV, of both energy axes
POLARIZATIONS = ("x", "y", "z")
CHANNELS = ("O s", "O p", "O px", "O py", "O pz", "Si s", "Si p", "DOS")
PAIRS = ("O-Si", "O-O")
LICENCE = "CC BY 4.0"
IDEA = "Kiyohara, Tsubaki, Mizoguchi, npj Comput. Mater. 6, 68 (2020)"


class Column(NamedTuple):
    """dtype is a NumPy type name or "str"; units in words of the field, "1" for a number, "" for a text. absent: the value of
    every row of a file from before the column was there, None if such a file must be built again."""

    dtype: str
    units: str
    long_name: str
    comment: str = ""
    absent: str | None = None


COLUMNS: dict[str, Column] = {
    "structure": Column("str", "", "Structure", "id; the frame of that id in the structure file"),
    "name": Column(
        "str", "", "Name", "one for each structure; where it came from is in the structure file (prototype)"
    ),
    "atom": Column(
        "int32",
        "1",
        "Absorbing atom",
        "O3 is the atom of index 3 in the list of the structure's atoms, counted from 0, silicon included",
    ),
    "kind": Column("str", "", "Kind", "crystal or amorphous"),
    "source": Column(
        "str", "", "Source", "mineral, prototype, framework, search, melt-quench (amorphous) or user (brought by one)"
    ),
    "space_group": Column(
        "str",
        "",
        "Space group",
        "of the structure as it is, after relaxation: international symbol, positions within 0.02 angstrom",
    ),
    "space_group_number": Column("int16", "1", "Space-group number"),
    "multiplicity": Column("int16", "1", "Multiplicity", "equivalent oxygens in the cell"),
    "net": Column(
        "str",
        "",
        "Net",
        "topological density TD10 and a hash of the coordination sequences of silicon over 14 shells: "
        "one name for all cells and distortions of one net of Si-O bonds",
    ),
    "n_atoms": Column("int16", "1", "Atoms in the cell"),
    "band_gap": Column("float32", "eV", "Band gap", "ground state, PBE"),
    "coordination": Column("int8", "1", "Coordination", "silicon atoms bonded to the oxygen"),
    "si_o_mean": Column("float32", "angstrom", "Si-O length, mean"),
    "si_o_std": Column(
        "float32", "angstrom", "Si-O length, spread", "standard deviation over the bonds of this oxygen"
    ),
    "si_o_min": Column("float32", "angstrom", "Si-O length, shortest"),
    "si_o_max": Column("float32", "angstrom", "Si-O length, longest"),
    "si_o_si_angle": Column(
        "float32", "degree", "Si-O-Si angle", "mean over pairs of bonded silicon; NaN with one silicon"
    ),
    "o_si_o_mean": Column(
        "float32", "degree", "O-Si-O angle, mean", "angles at the bonded silicons that contain this oxygen"
    ),
    "o_si_o_std": Column("float32", "degree", "O-Si-O angle, spread"),
    "o_o_min": Column("float32", "angstrom", "O-O distance, nearest", "oxygens bonded to the same silicon"),
    "o_o_mean": Column("float32", "angstrom", "O-O distance, mean", "oxygens bonded to the same silicon"),
    "voronoi_volume": Column("float32", "angstrom^3", "Voronoi volume"),
    "density": Column("float32", "g/cm^3", "Density", "of the structure"),
    "ring_size": Column(
        "float32", "1", "Smallest ring", "silicon atoms in the smallest primitive ring through the oxygen"
    ),
    "ring_mean": Column(
        "float32", "1", "Ring size, mean", "over the smallest primitive ring of each O-Si-O angle (Franzblau)"
    ),
    "homo": Column(
        "float64", "eV", "Highest occupied level", "of the core-hole cell, on the scale of its own potential"
    ),
    "lumo": Column("float64", "eV", "Lowest empty level", "of the core-hole cell, on the scale of its own potential"),
    "onset": Column(
        "float64",
        "eV",
        "Edge onset",
        "transition energy from total energies, on the scale of experimental energy loss; "
        "NaN until the first site of the structure is computed",
    ),
    "remark": Column(
        "str",
        "",
        "Remark",
        "why the site may stand apart, by rules over its data; empty for an ordinary one: silicon with more "
        "than four oxygens; O-Si-O above 130 degrees at a silicon of four bonds; gap of the core-hole cell more than 1.5 eV "
        "below the ground state's, as in cells with points far from any hole; onset more than 1 eV below the median of the structure's sites; half height of the "
        "spectrum more than 2.2 eV above the first empty level",
    ),
    "pdos_top": Column(
        "float32", "eV", "PDOS complete up to", "above the valence-band maximum; the PDOS is cut off above"
    ),
    "image_distance": Column("float32", "angstrom", "Distance between core holes"),
    "electron_error": Column(
        "float32",
        "1",
        "DOS electron count error",
        "the ground state's DOS up to the middle of the gap over the "
        "valence electrons, less 1; a coarse step of the DOS misses part of flat valence bands, which does not "
        "matter above the gap",
    ),
    "seconds": Column("float32", "s", "Computing time", "one core, this spectrum"),
    "ground_seconds": Column("float32", "s", "Computing time of the ground state", "one core, once per structure"),
    "settings": Column(
        "str",
        "",
        "Settings of the spectrum",
        "NAME=VALUE of what differs from the first rows, 'original' if nothing does; docs/computing.md says what each is; empty "
        "for a row of another program",
        absent="original",
    ),
    "ground_settings": Column("str", "", "Settings of the ground state", "as for the spectrum", absent="original"),
}
