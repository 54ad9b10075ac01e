"""Texts as input of networks: characters as numbers, fastText's normal form, compact storage."""

from ._characters import encode_characters

# Names imported "as" themselves are for other packages of sksvp; they are not public.
from ._check import check_texts as check_texts
from ._ngram_index import NgramIndex as NgramIndex
from ._ngram_index import Ngrams as Ngrams
from ._normalize import normalize
from ._packed import PackedTexts
from ._packed import texts_in_buffer as texts_in_buffer

__all__ = ["PackedTexts", "encode_characters", "normalize"]
