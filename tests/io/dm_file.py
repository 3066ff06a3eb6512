"""Digital Micrograph files, DM3 and DM4, made byte by byte: a spectrum or a spectrum image with its energy axis."""

import struct

import numpy as np

TYPES = {"int16": 1, "float32": 2, "int32": 7, "uint16": 10, "float64": 12}  # of images
ELEMENTS = {"int16": 2, "int32": 3, "uint16": 4, "float32": 6, "float64": 7}  # of arrays


def dm_file(
    data,
    *,
    offset,
    scale,
    version=3,
    units="eV",
    signal="EELS",
    name="measured",
    dimensions=None,
    count=None,
):
    """The bytes of a file with one image: data (energy,) or (energy, rows, columns); energies offset + scale * k in `units`.

    dimensions and count: declared sizes, if they are to lie.
    """
    data = np.asarray(data)
    wide = ">q" if version == 4 else ">i"

    def whole(value):
        return struct.pack(wide, value)

    def tag(kind, title, body):
        return bytes([kind]) + struct.pack(">H", len(title)) + title.encode() + body

    def group(title, tags, root=False):
        inner = b"".join(tags)
        size = whole(len(inner)) if version == 4 and not root else b""
        head = b"\1\0" + size + whole(len(tags))
        return head + inner if root else tag(20, title, head + inner)

    def value(title, info, content):
        gap = b"\0" * 8 if version == 4 else b""
        return tag(21, title, gap + b"%%%%" + whole(len(info)) + b"".join(map(whole, info)) + content)

    def number(title, x):
        return value(title, [7], struct.pack("<d", x))

    def integer(title, x):
        return value(title, [5], struct.pack("<I", x))

    def text(title, letters):
        return value(title, [20, 4, len(letters)], letters.encode("utf-16-le"))

    shape = data.shape[::-1]  # columns first
    axes = [group("", [number("Origin", 0.0), number("Scale", 1.0), text("Units", "nm")]) for _ in shape[:-1]]
    axes.append(group("", [number("Origin", -offset / scale), number("Scale", scale), text("Units", units)]))
    kind = str(data.dtype)
    content = value(
        "Data",
        [20, ELEMENTS[kind], data.size if count is None else count],
        data.astype(data.dtype.newbyteorder("<")).tobytes(),
    )
    image = group(
        "ImageData",
        [
            group(
                "Calibrations",
                [
                    group("Brightness", [number("Origin", 0.0), number("Scale", 1.0), text("Units", "e-")]),
                    group("Dimension", axes),
                ],
            ),
            content,
            integer("DataType", TYPES[kind]),
            group("Dimensions", [integer("", size) for size in dimensions or shape]),
            integer("PixelDepth", data.dtype.itemsize),
        ],
    )
    form = "Spectrum" if data.ndim == 1 else "Spectrum image"
    tags = group("ImageTags", [group("Meta Data", [text("Format", form), text("Signal", signal)])])
    body = group("", [group("ImageList", [group("", [image, tags, text("Name", name)])])], root=True)
    return struct.pack(">i", version) + whole(len(body)) + struct.pack(">i", 1) + body + b"\0" * 8
