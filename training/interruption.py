"""Ctrl-C and SIGTERM: the first asks a run to save and stop, the second stops it at once."""

import contextlib
import signal
import sys


class Stopped(KeyboardInterrupt):
    """The run has saved where it stood, and stopped as it was asked to.

    Attributes:
        signal: that asked.
    """

    def __init__(self, signal: int):
        super().__init__(f"stopped by signal {signal}")
        self.signal = signal


class Interruption:
    """Whether a run was asked to stop: `signal` is what asked, or None."""

    def __init__(self):
        self.signal = None

    @contextlib.contextmanager
    def heeded(self):
        """Within it, the signals are noted; from the second on they do what they did before. Elsewhere than in the main
        thread, and where a signal is ignored or handled already, nothing changes."""
        usual = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
        taken = {}
        with contextlib.suppress(ValueError):  # not the main thread
            for number, handler in usual.items():
                if signal.getsignal(number) == handler:
                    taken[number] = signal.signal(number, self.note)
        try:
            yield self
        finally:
            for number, handler in taken.items():
                signal.signal(number, handler)

    def note(self, number, frame) -> None:
        """The handler of the signals."""
        self.signal = number
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        print("saving, then stopping; once more to stop at once", file=sys.stderr, flush=True)
