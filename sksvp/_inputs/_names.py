"""Errors of other libraries that name the parameter they are about."""

import re
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def names(parameter: str) -> Iterator[None]:
    """Put the name of a parameter before the message of a ValueError or TypeError that does not begin with it."""
    try:
        yield
    except (TypeError, ValueError) as error:
        if type(error) not in (TypeError, ValueError) or re.match(rf"(Input )?{parameter}\b", str(error)):
            raise
        raise type(error)(f"{parameter}: {error}") from error
