"""What one more worker brings: the same batch on 1, 2, … processes of this machine, each with one thread.

python benchmarks/workers.py --out workers.json

Of each step the time by the clock, and that of the processor in one worker. What the workers tell each other is all
gradients once a step, so it is given beside them; between real machines the network has to carry that.
"""

import argparse
import itertools
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

MODELS = {
    "lstm_lm": {"hidden_dim": 256, "embedding_dim": 128},
    "lstm_vae": {"hidden_dim": 256, "embedding_dim": 128},
}


def work(batch: int, steps: int) -> None:
    """One worker: prints seconds a step, of the clock and of the processor, and the megabytes of gradients."""
    from training.distribution import join

    team = join("auto")
    import keras

    import zoo
    from training import corpora

    class Clock(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.marks = []

        def on_train_batch_end(self, batch, logs=None):
            self.marks.append((time.perf_counter(), time.process_time()))

    texts = list(corpora.load("reviews").train[:2048])
    texts = [text for text in texts if 8 <= len(text.split()) <= 14]
    found = {}
    for name, options in MODELS.items():
        with team.scope():
            model = zoo.build(name, seed=0, **options)
        clock = Clock()
        model.fit(texts, batch_size=batch, epochs=1, steps_per_epoch=steps, callbacks=[clock], verbose=0)
        marks = clock.marks[len(clock.marks) // 3 :]  # behind the tracing
        seconds = [statistics.median(b[of] - a[of] for a, b in itertools.pairwise(marks)) for of in (0, 1)]
        size = sum(weight.numpy().nbytes for weight in model.trainable_variables) / 1e6
        found[name] = {"seconds": seconds[0], "processor_seconds": seconds[1], "megabytes": size}
    print(json.dumps(found))


def measure(workers: int, batch: int, steps: int) -> dict:
    """What worker 0 of so many finds."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(workers)]
    addresses = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()
    threads = {name: "1" for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")}
    running = []
    for index in range(workers):
        config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        given = {**os.environ, **threads, "TF_CONFIG": json.dumps(config), "TF_CPP_MIN_LOG_LEVEL": "3"}
        command = [sys.executable, __file__, "--work", "--batch", str(batch), "--steps", str(steps)]
        running.append(subprocess.Popen(command, env=given, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL))
    written = [process.communicate()[0] for process in running]
    return json.loads(written[0].splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--out", type=Path, help="A JSON file.")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--batch", type=int, default=64, help="Texts a step, of all workers together.")
    parser.add_argument("--steps", type=int, default=45)
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        return work(arguments.batch, arguments.steps)
    found = {workers: measure(workers, arguments.batch, arguments.steps) for workers in arguments.workers}
    for workers, models in found.items():
        for name, one in models.items():
            shown = f"{one['seconds'] * 1e3:.0f} ms, processor {one['processor_seconds'] * 1e3:.0f} ms"
            print(f"{name}, {workers} workers: {shown}, {one['megabytes']:.1f} MB of gradients")
    if arguments.out is not None:
        arguments.out.write_text(json.dumps({"load": os.getloadavg(), "workers": found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
