"""Docstrings of methods that say only what differs from those of a base."""

import inspect
import re

_HEADING = re.compile(r"^\w[\w ]*\n-+$", re.MULTILINE)


def inherit_method_docs(cls: type) -> None:
    """Append the numpydoc sections of a base's method to docstrings of a class that have none.

    A method without a docstring gets that of the base.

    Parameters
    ----------
    cls : type
        Its own public methods are completed in place.
    """
    for name, member in vars(cls).items():
        method = getattr(member, "__func__", member)
        if name.startswith("_") or not inspect.isroutine(method):
            continue
        own = inspect.cleandoc(method.__doc__ or "")
        if _HEADING.search(own):
            continue
        for base in cls.__mro__[1:]:
            doc = inspect.cleandoc(getattr(base.__dict__.get(name), "__doc__", None) or "")
            if heading := _HEADING.search(doc):
                method.__doc__ = f"{own}\n\n{doc[heading.start() :]}" if own else doc
                break
