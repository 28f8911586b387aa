"""Progress of long work in stages on a terminal, with the time left; plain lines without a terminal."""

import contextlib
import time

from training.cli.shared import errors, fail

EVERY = 10  # seconds between two lines where there is no terminal


class Stages:
    """What is told of `(stage, done, total)` as it is called."""

    def __init__(self):
        self.stage, self.bar, self.shown, self.began, self.first = None, None, 0.0, 0.0, 0

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        now = time.monotonic()
        if stage != self.stage:
            self.close()
            self.stage, self.began, self.shown, self.first = stage, now, now, done
            if errors.is_terminal:
                self.open(total)
            else:
                errors.print(stage)
        if self.bar is not None:
            self.bar.update(self.task, completed=done)
        elif now - self.shown > EVERY:
            self.shown = now
            errors.print(self.line(done, total, now - self.began))
        if done == total:
            self.close()

    def open(self, total) -> None:
        from rich import progress

        self.bar = progress.Progress(
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.TaskProgressColumn(),
            progress.TimeElapsedColumn(),
            progress.TextColumn("left"),
            progress.TimeRemainingColumn(),
            console=errors,
        )
        self.task = self.bar.add_task(self.stage, total=total)
        self.bar.start()

    def line(self, done, total, seconds: float) -> str:
        """How far the stage is."""
        if not total or done <= self.first:
            return f"{self.stage}: {done:,}"
        left = seconds * (total - done) / (done - self.first)
        return f"{self.stage}: {done:,} of {total:,}, {time.strftime('%H:%M:%S', time.gmtime(left))} left"

    def close(self) -> None:
        """Takes the bar off the terminal; safe to call twice."""
        if self.bar is not None:
            self.bar.stop()
            self.bar = None


@contextlib.contextmanager
def going_on(out):
    """Shows the progress of what writes to `out`, and says how to go on where it is stopped."""
    stages = Stages()
    try:
        yield stages
    except KeyboardInterrupt:
        stages.close()
        fail(f"stopped; give the same command again to go on with {out}", code=130)
    finally:
        stages.close()
