"""Train the fastText program: ``python _fasttext_program.py OPTIONS MODEL``.

Run by `FastTextClassifier` in a process of its own, and importing nothing of
sksvp. The program does not initialise its matrix of embeddings: in a process
that has just begun, memory of that size comes from the system and is zero; in
one that has worked for a while it holds whatever was there before.
"""

import json
import sys

# Exit code of a training that ended in NaN.
DIVERGED = 3


def main(options: str, model: str) -> int:
    import fasttext

    try:
        fasttext.train_supervised(**json.loads(options)).save_model(model)
    except RuntimeError as error:
        if "NaN" not in str(error):
            raise
        return DIVERGED
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
