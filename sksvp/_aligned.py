"""Tables of text for a terminal."""

from collections.abc import Sequence


def aligned(lines: Sequence[Sequence[str]], *, n_left: int) -> list[str]:
    """Write the cells of each line below each other, the first columns at the left, the others at the right.

    Parameters
    ----------
    lines : sequence of sequence of str
        Cells, as many in each line.
    n_left : int
        Number of columns whose cells begin at the left.

    Returns
    -------
    list of str
        As many lines.
    """
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        " ".join(
            cell.ljust(width) if place < n_left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
