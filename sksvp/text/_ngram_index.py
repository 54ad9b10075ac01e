"""Words and hashed word n-grams of texts as row numbers of a table of embeddings."""

from typing import NamedTuple

import numpy as np

from ._normalize import normalize_bytes

_BLOCK_TEXTS = 4096
_MIN_CAPACITY = 1 << 12


class Ngrams(NamedTuple):
    """Words and n-grams of n texts.

    Attributes
    ----------
    ids : ndarray of int32
        Table rows of all texts, one text after the other.
    bounds : ndarray of shape (n + 1,), int64
        The rows of text i are ``ids[bounds[i]:bounds[i + 1]]``.
    lengths : ndarray of shape (n,), int32
        Number of words and n-grams of each text. N-grams that were never seen have
        no row, but are counted here.
    """

    ids: np.ndarray
    bounds: np.ndarray
    lengths: np.ndarray


class NgramIndex:
    """Number words, and n-grams of words by their hash, in the order of first occurrence.

    Words are separated by white space; every text ends with one more word,
    fastText's ``</s>``. An n-gram of two words or more is identified by its bucket,
    which is fastText's hash modulo `n_buckets`.

    Parameters
    ----------
    word_ngrams : int
        Number of words of the longest n-gram; 1 for words alone.
    n_buckets : int
        Number of buckets for n-grams of two words or more.
    min_count : int
        Least number of occurrences of a word in the training texts; rarer words
        are left out.
    normalize : bool
        Whether texts are first brought to fastText's normal form.
    """

    def __init__(self, word_ngrams: int, n_buckets: int, min_count: int, normalize: bool):
        self.word_ngrams = word_ngrams
        self.n_buckets = n_buckets
        self.min_count = min_count
        self.normalize = normalize
        self.n_rows = 0
        self._n_words = 0
        self._set_table(_MIN_CAPACITY)
        self._bucket_rows = np.full(n_buckets if word_ngrams > 1 else 1, -1, dtype=np.int32)

    def learn(self, texts) -> Ngrams:
        """Number the words and n-grams of training texts."""
        ngrams = self._index(texts, learn=True)
        if self.min_count > 1:
            ngrams = self._drop_rare(ngrams)
        return ngrams

    def find(self, texts) -> Ngrams:
        """Look up the words and n-grams of any texts; unknown ones are left out."""
        return self._index(texts, learn=False)

    def state(self) -> dict[str, np.ndarray]:
        """Return what was learned: the row of each word, given as a 64-bit hash, and of each bucket."""
        used = np.flatnonzero(self._keys)
        buckets = np.flatnonzero(self._bucket_rows >= 0)
        return {
            "word_hashes": self._keys[used].view(np.int64),
            "word_rows": self._rows[used],
            "buckets": buckets.astype(np.int32),
            "bucket_rows": self._bucket_rows[buckets],
        }

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Restore what another index learned."""
        hashes = np.ascontiguousarray(state["word_hashes"]).view(np.uint64)
        self._set_table(len(hashes))
        self._insert(hashes, state["word_rows"], np.zeros(len(hashes), dtype=np.int64))
        self._bucket_rows[state["buckets"]] = state["bucket_rows"]
        self.n_rows = len(hashes) + len(state["buckets"])

    def __getstate__(self):
        own = {name: value for name, value in self.__dict__.items() if not isinstance(value, np.ndarray)}
        return own | {"state": self.state()}

    def __setstate__(self, own):
        self.__init__(own["word_ngrams"], own["n_buckets"], own["min_count"], own["normalize"])  # type: ignore[misc]
        self.restore(own["state"])

    def _index(self, texts, *, learn: bool) -> Ngrams:
        from ._ngram_loops import count_words, index_texts

        ids = np.empty(0, dtype=np.int32)
        bounds = np.zeros(len(texts) + 1, dtype=np.int64)
        lengths = np.zeros(len(texts), dtype=np.int32)
        n_ids = 0
        for start in range(0, len(texts), _BLOCK_TEXTS):
            block = texts[start : start + _BLOCK_TEXTS]
            stop = start + len(block)
            buffer = self._join(block)
            n_words = count_words(buffer)
            if learn:
                self._make_room(n_words)
            needed = n_ids + n_words * self.word_ngrams
            if needed > len(ids):
                # resize works in place if the system can: millions of texts should not hold their ids twice.
                ids.resize(max(needed, len(ids) + len(ids) // 4), refcheck=False)
            self.n_rows, n_ids = index_texts(
                buffer,
                self.word_ngrams,
                len(self._bucket_rows),
                self._keys,
                self._rows,
                self._counts,
                self._bucket_rows,
                self.n_rows,
                learn,
                ids,
                n_ids,
                bounds[start + 1 : stop + 1],
                lengths[start:stop],
                np.empty(n_words, dtype=np.uint64),
            )
            if learn:
                self._n_words = int(np.count_nonzero(self._keys))
        ids.resize(n_ids, refcheck=False)
        return Ngrams(ids, bounds, lengths)

    def _join(self, texts) -> np.ndarray:
        """Join texts, each ended by a line feed, in UTF-8 and normal form."""
        # A line feed within a text is white space like any other.
        joined = "\n".join([text.replace("\n", " ") for text in texts]) + "\n"
        buffer = joined.encode("utf-8", "surrogatepass")
        return np.frombuffer(normalize_bytes(buffer) if self.normalize else buffer, dtype=np.uint8)

    def _set_table(self, n_words: int) -> None:
        capacity = max(_MIN_CAPACITY, 1 << (2 * n_words).bit_length())
        self._keys = np.zeros(capacity, dtype=np.uint64)
        self._rows = np.zeros(capacity, dtype=np.int32)
        self._counts = np.zeros(capacity, dtype=np.int64)

    def _insert(self, hashes: np.ndarray, rows: np.ndarray, counts: np.ndarray) -> None:
        from ._ngram_loops import insert_keys

        insert_keys(hashes, rows, counts, self._keys, self._rows, self._counts)
        self._n_words = len(hashes)

    def _make_room(self, n_new: int) -> None:
        """Grow the table so that it is at most half full after `n_new` more words."""
        if 2 * (self._n_words + n_new) <= len(self._keys):
            return
        used = np.flatnonzero(self._keys)
        old = self._keys[used], self._rows[used], self._counts[used]
        self._set_table(self._n_words + n_new)
        self._insert(*old)

    def _drop_rare(self, ngrams: Ngrams) -> Ngrams:
        from ._ngram_loops import renumber

        used = np.flatnonzero(self._keys)
        hashes, rows, counts = self._keys[used], self._rows[used], self._counts[used]
        kept = counts >= self.min_count
        is_kept = np.ones(self.n_rows, dtype=bool)
        is_kept[rows[~kept]] = False
        new_rows = np.where(is_kept, np.cumsum(is_kept) - 1, -1).astype(np.int32)
        ids, bounds, _ = ngrams
        n_ids = renumber(ids, bounds[1:], new_rows)
        ids.resize(n_ids, refcheck=False)
        self._set_table(int(kept.sum()))
        self._insert(hashes[kept], new_rows[rows[kept]], counts[kept])
        with_row = np.flatnonzero(self._bucket_rows >= 0)
        self._bucket_rows[with_row] = new_rows[self._bucket_rows[with_row]]
        self.n_rows = int(is_kept.sum())
        return Ngrams(ids, bounds, np.diff(bounds).astype(np.int32))
