"""Arrays of an ``.npz`` file that stay in the file and are mapped into memory."""

import struct
import zipfile
from pathlib import Path
from typing import Literal

import numpy as np

# Of a local header in a zip file: where the lengths of name and extra field stand, and its fixed length.
_LENGTHS, _FIXED = 26, 30
_BLOCK = 2**20


def map_part(path: Path, name: str) -> np.ndarray:
    """Map one array of an ``.npz`` file that was written without compression, after its checksum is checked.

    Raises
    ------
    KeyError
        If the file has no such part.
    zipfile.BadZipFile
        If the checksum differs.
    ValueError
        If the part is compressed or no array.
    """
    with zipfile.ZipFile(path) as archive:
        part = archive.getinfo(name)
        if part.compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"{name} in {path} is compressed and cannot be mapped.")
        with archive.open(part) as content:
            while content.read(_BLOCK):
                pass
    with open(path, "rb") as file:
        file.seek(part.header_offset + _LENGTHS)
        file.seek(part.header_offset + _FIXED + sum(struct.unpack("<HH", file.read(4))))
        version = np.lib.format.read_magic(file)
        read_header = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
        shape, is_fortran, dtype = read_header(file)
        order: Literal["F", "C"] = "F" if is_fortran else "C"
        return np.memmap(path, dtype=dtype, mode="r", offset=file.tell(), shape=shape, order=order)
