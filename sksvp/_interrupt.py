"""Ctrl-C during a training that would swallow it."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def heeding_ctrl_c() -> Iterator[None]:
    """Raise KeyboardInterrupt at the end of the block where Ctrl-C came inside and was swallowed.

    skorch takes a KeyboardInterrupt for the end of the training, because its
    EarlyStopping means it so, and hands back what has been learned by then. A
    half-trained network must not pass for a trained one, so the signal itself
    is noted. Outside the main thread, where no signal arrives, nothing is done.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    pressed = False

    def note(number, frame):
        nonlocal pressed
        pressed = True
        before(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        raise KeyboardInterrupt
