"""Splitting text into words and hashing their n-grams, compiled by numba.

The hashes are fastText's: FNV-1a of a word's bytes, taken as signed, and for
n-grams h * 116049371 + the next word's hash. Words themselves are told apart by
a hash of 64 bits: two of a million differ by it but for a chance of 3 in 10^8.
"""

import numpy as np

from .._compiled import compiled_fused

_NEWLINE = 10
_EMPTY = np.uint64(0)


@compiled_fused
def _is_space(byte):
    # As fastText splits: space, tab, line feed, vertical tab, form feed, carriage return, NUL.
    return byte == 32 or 9 <= byte <= 13 or byte == 0


@compiled_fused
def count_words(buffer):
    """Count the words of texts that each end with a line feed, which counts as a word."""
    n_words = 0
    inside = False
    for byte in buffer:
        if _is_space(byte):
            n_words += inside
            n_words += byte == _NEWLINE
            inside = False
        else:
            inside = True
    return n_words


@compiled_fused
def _find(keys, key):
    """Return the place of a key in an open hash table, or the empty place where it belongs."""
    mask = np.uint64(len(keys) - 1)
    place = np.uint64(key ^ (key >> np.uint64(29))) & mask
    while keys[place] != _EMPTY and keys[place] != key:
        place = (place + np.uint64(1)) & mask
    return place


@compiled_fused
def insert_keys(new_keys, new_rows, new_counts, keys, rows, counts):
    """Put words into a table that has room for them."""
    for i in range(len(new_keys)):
        if new_keys[i] != _EMPTY:
            place = _find(keys, new_keys[i])
            keys[place] = new_keys[i]
            rows[place] = new_rows[i]
            counts[place] = new_counts[i]


@compiled_fused
def index_texts(
    buffer,
    word_ngrams,
    n_buckets,
    keys,
    rows,
    counts,
    bucket_rows,
    n_rows,
    learn,
    ids,
    n_ids,
    bounds,
    lengths,
    words,
):
    """Write the rows of the words and n-grams of each text; return how many rows and ids there are then.

    Parameters
    ----------
    buffer : (n_bytes,) uint8
        Texts, each ended by a line feed.
    word_ngrams : int
        Longest n-gram.
    n_buckets : int
        Buckets of n-grams of two words and more.
    keys, rows, counts : (capacity,) uint64, int32 and int64
        Table of the words.
    bucket_rows : (n_buckets,) int32
        Row of each bucket, -1 where it has none.
    n_rows : int
        Rows that are given away so far.
    learn : bool
        Whether what is new gets a row. Else it is left out.
    ids : int32
        Where the rows are written, from place `n_ids` on.
    bounds, lengths : (n_texts,) int64 and int32
        End of each text in `ids`; its words and n-grams, known or not: unknown words are none.
    words : (n_words,) uint64
        Working memory.
    """
    text = 0
    n_words = 0
    n_features = 0
    h32 = np.uint32(2166136261)
    h64 = np.uint64(14695981039346656037)
    inside = False
    for byte in buffer:
        if not _is_space(byte):
            # The byte as a signed number, in 32 bits.
            signed = np.uint32(byte) | np.uint32(0xFFFFFF00) if byte >= 128 else np.uint32(byte)
            h32 = np.uint32(np.uint32(h32 ^ signed) * np.uint32(16777619))
            h64 = np.uint64(np.uint64(h64 ^ np.uint64(byte)) * np.uint64(1099511628211))
            inside = True
            continue
        last = byte == _NEWLINE
        for end in range(2):
            if end == 0 and not inside:
                continue
            if end == 1:
                if not last:
                    break
                h32 = np.uint32(3617362777)  # of "</s>", with which every text ends
                h64 = np.uint64(8922757976467958425)
            # Sign extension, as fastText widens the hash.
            words[n_words] = np.uint64(np.int64(np.int32(h32)))
            n_words += 1
            if h64 == _EMPTY:
                h64 = np.uint64(1)
            place = _find(keys, h64)
            if keys[place] == _EMPTY and learn:
                keys[place] = h64
                rows[place] = n_rows
                n_rows += 1
            if keys[place] != _EMPTY:
                counts[place] += learn
                ids[n_ids] = rows[place]
                n_ids += 1
                n_features += 1
            h32 = np.uint32(2166136261)
            h64 = np.uint64(14695981039346656037)
            inside = False
        if not last:
            continue
        for i in range(n_words):
            h = words[i]
            for j in range(i + 1, min(n_words, i + word_ngrams)):
                h = np.uint64(h * np.uint64(116049371) + words[j])
                bucket = np.int64(h % np.uint64(n_buckets))
                if bucket_rows[bucket] < 0 and learn:
                    bucket_rows[bucket] = n_rows
                    n_rows += 1
                n_features += 1
                if bucket_rows[bucket] >= 0:
                    ids[n_ids] = bucket_rows[bucket]
                    n_ids += 1
        bounds[text] = n_ids
        lengths[text] = n_features
        text += 1
        n_words = 0
        n_features = 0
    return n_rows, n_ids


@compiled_fused
def renumber(ids, bounds, new_rows):
    """Give rows their new numbers in place, leaving out those of -1; return how many ids stay."""
    n_ids = 0
    start = 0
    for text in range(len(bounds)):
        for i in range(start, bounds[text]):
            row = new_rows[ids[i]]
            if row >= 0:
                ids[n_ids] = row
                n_ids += 1
        start = bounds[text]
        bounds[text] = n_ids
    return n_ids
