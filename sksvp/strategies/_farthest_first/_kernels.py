"""What is done to pairs one by one, compiled by numba.

numba, since torch would write every kept pair's difference to memory, and a look
at a thousand contenders costs it more in calls than in work: the scan of a tile
and the game of a round are several times faster here.
"""

import math

import numpy as np

from ..._compiled import compiled

# Codes that are skipped at once.
_CHUNK = 128


@compiled
def squared_distance(a, b, terms):
    """Return the number that decides: float64, summed in a fixed order.

    Halves are added to each other until one number is left. numba neither
    reorders these sums nor fuses them into multiply-adds (no fastmath), so the
    rounding is the same on every machine.
    """
    width = len(terms)
    for j in range(width):
        step = np.float64(a[j]) - np.float64(b[j])
        terms[j] = step * step
    while width > 1:
        half = (width + 1) // 2
        for j in range(width - half):
            terms[j] += terms[half + j]
        width = half
    return terms[0]


@compiled
def code_limit(squared, error, margin, scale, growth, shift):
    """Return the largest code that a pair may have whose squared distance is below `squared`.

    See `Sketch` for why. Codes are the leading bits of a float32, read as a signed
    integer: for numbers that are not negative these are in the same order, and
    negative ones come below them. One is added, which rounds up.
    """
    reach = math.sqrt(squared) * scale * (1.0 + 2.0**-40) + error
    bits = np.float32(growth * (0.5 * reach * reach + margin)).view(np.int32)
    return (bits >> shift) + 1


@compiled
def smallest_code(row):
    """Return the smallest code of a row; a loop that the compiler turns into vector instructions."""
    smallest = row[0]
    for j in range(1, len(row)):
        if row[j] < smallest:
            smallest = row[j]
    return smallest


@compiled
def find_open(codes, squared, errors, margins, scale, growth, shift, is_open):
    """Mark the rows of a tile that a centre may come nearer to."""
    for i in range(codes.shape[0]):
        # A row at distance 0 cannot come nearer.
        is_open[i] = squared[i] > 0 and smallest_code(codes[i]) <= code_limit(
            squared[i], errors[i], margins[i], scale, growth, shift
        )


@compiled
def bring_nearer(codes, rows, tile, points, squared, errors, margins, scale, growth, shift):
    """Lower the squared distances of open rows; `tile` holds the features of these alone.

    The pair with the smallest code is decided first, since it lowers the limit for all others.
    """
    terms = np.empty(tile.shape[1])
    n_decided = 0
    for k in range(len(rows)):
        i = rows[k]
        row = codes[i]
        smallest = smallest_code(row)
        first = 0
        while row[first] > smallest:
            first += 1
        squared[i] = min(squared[i], squared_distance(tile[k], points[first], terms))
        limit = code_limit(squared[i], errors[i], margins[i], scale, growth, shift)
        n_decided += 1
        for start in range(0, len(row), _CHUNK):
            chunk = row[start : start + _CHUNK]
            if smallest_code(chunk) > limit:
                continue
            for j in range(len(chunk)):
                if chunk[j] <= limit and start + j != first:
                    value = squared_distance(tile[k], points[start + j], terms)
                    n_decided += 1
                    if value < squared[i]:
                        squared[i] = value
                        limit = code_limit(value, errors[i], margins[i], scale, growth, shift)
    return n_decided


@compiled
def play(
    codes, rows, tile, squared, errors, margins, scale, growth, shift, rival_squared, rival_row, picks, values
):
    """Pick contenders, in row order, while the best of them comes before the rival.

    Fills `picks` (places among the contenders) and `values` (their squared
    distances), lowers `squared`, with -1 for what is picked, and returns the number of picks.
    """
    terms = np.empty(tile.shape[1])
    limits = np.empty(len(rows), dtype=np.int64)
    for j in range(len(rows)):
        limits[j] = code_limit(squared[j], errors[j], margins[j], scale, growth, shift)
    for n_picked in range(min(len(picks), len(rows))):
        best = 0
        for j in range(1, len(rows)):
            # The first of equal ones is the lowest row.
            if squared[j] > squared[best]:
                best = j
        value = squared[best]
        if value < rival_squared or (value == rival_squared and rows[best] > rival_row):
            return n_picked
        picks[n_picked] = best
        values[n_picked] = value
        squared[best] = -1.0
        row = codes[best]
        for j in range(len(rows)):
            if row[j] <= limits[j] and squared[j] > 0:
                distance = squared_distance(tile[j], tile[best], terms)
                if distance < squared[j]:
                    squared[j] = distance
                    limits[j] = code_limit(distance, errors[j], margins[j], scale, growth, shift)
    return min(len(picks), len(rows))
