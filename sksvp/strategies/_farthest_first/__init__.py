"""Greedy farthest-first picking, exact in float64, with a small part of the definition's work.

`_kernels`
    The number that decides, and what is done to pairs one by one.
`_sketch`
    Short codes of the rows in low precision, and the proof of their radius.
`_directions`
    How many principal directions these codes should have.
`_tiled`, `_dense`
    Bring rows nearer to new centres: with sketches on the CPU, in float64 on a GPU.
`_traversal`
    The picks: levels, rounds, and why they are right.
`_table`
    Reads features of any kind as tiles.
"""

from ._table import check_features
from ._traversal import Picks, farthest_first

__all__ = ["Picks", "check_features", "farthest_first"]
