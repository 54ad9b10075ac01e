"""``python -m sksvp``: the command ``sksvp``."""

from .cli import main

if __name__ == "__main__":
    main()
