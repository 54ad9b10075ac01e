"""What `test_fuzz.py` finds wrong today: callable and its parameters, sorted by package.

Each entry is a strict xfail. Delete a parameter when it is mended.
"""

KNOWN: dict[str, str] = {
    "sksvp.strategies.Evidence.score_rows": "function",
}
