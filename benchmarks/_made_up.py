"""Texts where no real ones are at hand."""

import numpy as np


def made_up(n: int) -> tuple[list[str], np.ndarray]:
    """Texts of 40 to 120 words of a vocabulary with long tails, one in ten words telling the class."""
    rng = np.random.RandomState(0)
    y = rng.randint(2, size=n)
    texts = []
    for label in y:
        words = rng.zipf(1.3, rng.randint(40, 121)) % 50_000
        telling = rng.rand(len(words)) < 0.1
        words[telling] = 2 * rng.randint(500, size=telling.sum()) + label
        texts.append(" ".join(f"w{word}" for word in words))
    return texts, y
