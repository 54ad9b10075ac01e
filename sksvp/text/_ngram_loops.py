"""Split texts into words and hash their n-grams, compiled by numba.

The hashes are fastText's: FNV-1a of a word's bytes, read as signed numbers, and
for n-grams h * 116049371 + the next word's hash. Words themselves are identified by
a hash of 64 bits; a million words collide with a probability of 3 in 10^8.
"""

import numpy as np

from .._compiled import compiled_fused

_NEWLINE = 10
_EMPTY = np.uint64(0)


@compiled_fused
def _is_space(byte):
    # fastText splits at space, tab, line feed, vertical tab, form feed, carriage return and NUL.
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
    """Return the position of a key in an open hash table, or the empty position where it belongs."""
    mask = np.uint64(len(keys) - 1)
    place = np.uint64(key ^ (key >> np.uint64(29))) & mask
    while keys[place] != _EMPTY and keys[place] != key:
        place = (place + np.uint64(1)) & mask
    return place


@compiled_fused
def insert_keys(new_keys, new_rows, new_counts, keys, rows, counts):
    """Insert words into a table that has room for them."""
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
    """Write the rows of the words and n-grams of each text; return the new numbers of rows and ids.

    Parameters
    ----------
    buffer : (n_bytes,) uint8
        Texts, each ended by a line feed.
    word_ngrams : int
        Number of words of the longest n-gram.
    n_buckets : int
        Number of buckets for n-grams of two words or more.
    keys, rows, counts : (capacity,) uint64, int32 and int64
        Table of the words.
    bucket_rows : (n_buckets,) int32
        Row of each bucket, -1 if it has none.
    n_rows : int
        Number of rows that are already assigned.
    learn : bool
        Whether new words and n-grams get a row. Otherwise they are left out.
    ids : int32
        Output array for the rows, written from position `n_ids` on.
    bounds, lengths : (n_texts,) int64 and int32
        Output arrays for the end of each text in `ids` and its number of words and
        n-grams. Unknown n-grams are counted, unknown words are not.
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
            # fastText reads the byte as a signed number.
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
                h32 = np.uint32(3617362777)  # hash of "</s>", the last word of every text
                h64 = np.uint64(8922757976467958425)
            # fastText widens the hash with sign extension.
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
    """Renumber rows in place and drop those whose new number is -1; return how many ids remain."""
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
