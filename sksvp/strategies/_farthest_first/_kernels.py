"""What is done to pairs one by one, compiled by numba.

numba, since torch would write every kept pair's difference to memory, and a look
at a thousand contenders costs it more in calls than in work: the scan of a tile
and the game of a round are several times faster here.
"""

import math

import numpy as np

from ..._compiled import compiled, compiled_reordered

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


@compiled_reordered
def rough_squared_distance(a, b):
    """Sum a squared distance up in the features' own precision, in any order: several times faster."""
    total = a[0] - a[0]
    for j in range(len(a)):
        step = a[j] - b[j]
        total += step * step
    return total


@compiled
def distance_below(a, b, squared, terms):
    """Return the number that decides where it is below `squared`; else that or infinity.

    Let u be the unit of rounding of the features' precision. A step, a square or a sum
    errs by u of itself at most, or, below the normal range, by less than a normal number. So
    the rough distance of d features is at most (1 + u)**(d + 2) times the true one, and a trifle,
    which is at most (1 + 2**-53)**(log2 d + 4) times the number that decides. Both factors together
    are below 1 + 2 (d + 8) u, as long as that is at most 2.
    """
    unit, trifle = (2.0**-24, 2.0**-100) if a.itemsize == 4 else (2.0**-53, 2.0**-900)
    factor = 1.0 + 2.0 * (len(a) + 8) * unit
    rough = np.float64(rough_squared_distance(a, b))
    # Infinite where the features' precision cannot hold it.
    if factor <= 2.0 and squared * factor + trifle < rough < np.inf:
        return np.inf
    return squared_distance(a, b, terms)


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

    Return how many pairs were looked at. The one with the smallest code is the first, since it
    lowers the limit for all others.
    """
    terms = np.empty(tile.shape[1])
    n_codes = codes.shape[1]
    smallest = np.empty((n_codes + _CHUNK - 1) // _CHUNK, dtype=codes.dtype)
    n_looks = 0
    for k in range(len(rows)):
        i = rows[k]
        row = codes[i]
        best = 0
        for chunk in range(len(smallest)):
            smallest[chunk] = smallest_code(row[chunk * _CHUNK : (chunk + 1) * _CHUNK])
            if smallest[chunk] < smallest[best]:
                best = chunk
        first = best * _CHUNK
        while row[first] > smallest[best]:
            first += 1
        squared[i] = min(squared[i], distance_below(tile[k], points[first], squared[i], terms))
        limit = code_limit(squared[i], errors[i], margins[i], scale, growth, shift)
        n_looks += 1
        for chunk in range(len(smallest)):
            if smallest[chunk] > limit:
                continue
            for j in range(chunk * _CHUNK, min((chunk + 1) * _CHUNK, n_codes)):
                if row[j] <= limit and j != first:
                    value = distance_below(tile[k], points[j], squared[i], terms)
                    n_looks += 1
                    if value < squared[i]:
                        squared[i] = value
                        limit = code_limit(value, errors[i], margins[i], scale, growth, shift)
    return n_looks


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
                distance = distance_below(tile[j], tile[best], squared[j], terms)
                if distance < squared[j]:
                    squared[j] = distance
                    limits[j] = code_limit(distance, errors[j], margins[j], scale, growth, shift)
    return min(len(picks), len(rows))
