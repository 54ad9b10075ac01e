"""Texts as the method's networks read them: characters as numbers, fastText's normal form, compact storage."""

from ._characters import encode_characters
from ._normalize import normalize
from ._packed import PackedTexts

__all__ = ["PackedTexts", "encode_characters", "normalize"]
