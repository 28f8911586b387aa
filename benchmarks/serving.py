"""What serving costs: requests to `textgen serve` on this machine beside calls of the same model in Python.

    pip install aiohttp
    python benchmarks/serving.py --out serving.json

Times of both are taken in turn, so that both see the same load of the machine; processor times, which depend on it
least, stand beside them. Then versions change under load, 1,000 connections stay idle, and a body of 100 MB arrives.
"""

import argparse
import asyncio
import contextlib
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import aiohttp

import zoo

TEXT = "the soup was cold and the waiters were rude."
CASES = {
    "generate 1": ("generate", 1),
    "generate 8": ("generate", 8),
    "generate 64": ("generate", 64),
    "encode 64": ("encode", 64),
}


class Served:
    """`textgen serve` in a process of its own."""

    def __init__(self, base, threads):
        command = [sys.executable, "-c", "from training.cli import main; main()", "serve", str(base), "--port", "0"]
        command += ["--threads", str(threads), "--versions", "1"]
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self.process = subprocess.Popen(command, stderr=self.log)

    async def ready(self, session):
        """Waits for the address, and for the models."""
        while True:
            assert self.process.poll() is None, "the server has ended"
            self.log.seek(0)
            found = re.search(r"at (http://\S+)", self.log.read())
            if found:
                self.url = found[1]
                with contextlib.suppress(aiohttp.ClientError):
                    async with session.get(f"{self.url}/readyz") as answer:
                        if answer.status == 200:
                            return
            await asyncio.sleep(0.2)

    def seconds(self) -> float:
        """Processor time so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def megabytes(self, which: str = "VmRSS") -> float:
        """Memory now, or the most so far (`VmHWM`)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return round(int(re.search(rf"{which}:\s+(\d+)", status)[1]) / 1024, 1)


def body_of(signature: str, num: int, seed: int = 1) -> dict:
    inputs = {"num": num, "seed": seed} if signature == "generate" else {"texts": [TEXT] * num}
    return {"signature_name": signature, "inputs": inputs}


async def ask(session, url, body):
    """The answer and its milliseconds; None and the status or the error if it failed."""
    begin = time.perf_counter()
    try:
        async with session.post(f"{url}/v1/models/lstm_vae:predict", json=body) as answer:
            found = (await answer.json()).get("outputs")
            return found if answer.status == 200 else None, 1000 * (time.perf_counter() - begin)
    except aiohttp.ClientError as error:
        return None, repr(error)


def in_python(model, signature, num):
    return model.generate(num, seed=1) if signature == "generate" else model.encode([TEXT] * num).tolist()


def summary(times: list[float], seconds: float, cpu: float) -> dict:
    """Figures of calls that took `times` milliseconds."""
    ordered = sorted(times)
    return {
        "calls": len(times),
        "per_second": round(len(times) / seconds, 2),
        "p50_ms": round(statistics.median(times), 1),
        "p99_ms": round(ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))], 1),
        "cpu_ms_a_call": round(1000 * cpu / len(times), 2),
    }


async def compare(session, served, model, calls: int, clients: int) -> dict:
    """Every case: in Python, by one client, by several clients at once; blocks of each in turn."""
    found = {}
    for name, (signature, num) in CASES.items():
        body = body_of(signature, num)
        # A model answers as it does in Python; floating-point numbers may differ in the last digit.
        expected, (answer, _) = in_python(model, signature, num), await ask(session, served.url, body)
        assert signature != "generate" or answer == expected
        ways = {"in Python": ([], [0.0, 0.0]), "1 client": ([], [0.0, 0.0]), f"{clients} clients": ([], [0.0, 0.0])}
        for _ in range(5):
            for way, (times, totals) in ways.items():
                begin, cpu = time.perf_counter(), time.process_time() if way == "in Python" else served.seconds()
                if way == "in Python":
                    for _ in range(calls // 5):
                        start = time.perf_counter()
                        in_python(model, signature, num)
                        times.append(1000 * (time.perf_counter() - start))
                else:
                    together = 1 if way == "1 client" else clients
                    for answers in await asyncio.gather(
                        *(several(session, served.url, body, calls // 5 // together) for _ in range(together))
                    ):
                        times += answers
                totals[0] += time.perf_counter() - begin
                totals[1] += (time.process_time() if way == "in Python" else served.seconds()) - cpu
        figures = {way: summary(times, *totals) for way, (times, totals) in ways.items()}
        base, one = figures["in Python"], figures["1 client"]
        figures["overhead"] = {
            "p50": round(one["p50_ms"] / base["p50_ms"], 2),
            "cpu": round(one["cpu_ms_a_call"] / base["cpu_ms_a_call"], 2),
        }
        found[name] = figures
        print(name, json.dumps(figures), file=sys.stderr, flush=True)
    return found


async def several(session, url, body, calls: int) -> list[float]:
    """The milliseconds of calls one after another; every one of them must succeed."""
    times = []
    for _ in range(max(1, calls)):
        answer, taken = await ask(session, url, body)
        assert answer is not None, taken
        times.append(taken)
    return times


async def swaps(session, served, base: Path, models: list[Path], clients: int, changes: int) -> dict:
    """Versions of two different models in turn, while clients ask; an answer must be one model's, whole."""
    body, right, asked, end = body_of("generate", 8), [], [], asyncio.Event()
    right.append((await ask(session, served.url, body))[0])

    async def client():
        while not end.is_set():
            asked.append(await ask(session, served.url, body))

    tasks = [asyncio.create_task(client()) for _ in range(clients)]
    waits, memory = [], [served.megabytes()]
    for number in range(2, 2 + changes):
        source = models[(number + 1) % 2]
        await asyncio.to_thread(shutil.copytree, source, base / f".{number}")
        begin = time.perf_counter()
        (base / f".{number}").rename(base / str(number))
        while True:
            async with session.get(f"{served.url}/v1/models/lstm_vae/versions/{number}") as answer:
                states = (await answer.json()).get("model_version_status", [{}])
            if states[0].get("state") == "AVAILABLE":
                break
            await asyncio.sleep(0.05)
        waits.append(time.perf_counter() - begin)
        memory.append(served.megabytes())
        if len(right) < 2:
            right.append((await ask(session, served.url, body))[0])
    end.set()
    await asyncio.gather(*tasks)
    answers = [answer for answer, _ in asked]
    times = [taken for answer, taken in asked if answer is not None]
    return {
        "changes": changes,
        "answers": len(answers),
        "of_each_model": [answers.count(one) for one in right],
        "failed": answers.count(None),
        "mixed": sum(answer is not None and answer not in right for answer in answers),
        "p50_ms": round(statistics.median(times), 1),
        "p99_ms": round(sorted(times)[int(0.99 * len(times))], 1),
        "megabytes": memory,
        "seconds_to_service": [round(wait, 1) for wait in waits],
    }


async def idle(session, served, num: int) -> dict:
    """Connections that say nothing: memory, and what another request takes meanwhile."""
    host, port = served.url.removeprefix("http://").split(":")
    before, body = served.megabytes(), body_of("generate", 1)
    connections = [await asyncio.open_connection(host, int(port)) for _ in range(num)]
    taken = statistics.median(await several(session, served.url, body, 20))
    during = served.megabytes()
    for _, writer in connections:
        writer.close()
    await asyncio.sleep(1)
    figures = {"before": before, "during": during, "after": served.megabytes()}
    return {"connections": num, "megabytes": figures, "p50_ms_of_generate_1": round(taken, 1)}


async def large_body(session, served, size: int) -> dict:
    """A body far over the limit, with a length and in chunks without one."""
    found = {"bytes": size, "megabytes_before": served.megabytes()}

    async def parts():
        for _ in range(size // 2**16):
            yield b" " * 2**16

    for name, data in {"with_length": b" " * size, "in_chunks": parts()}.items():
        async with session.post(f"{served.url}/v1/models/lstm_vae:predict", data=data) as answer:
            found[name] = {"status": answer.status, "error": (await answer.json())["error"]}
    found |= {"megabytes_after": served.megabytes(), "megabytes_at_most": served.megabytes("VmHWM")}
    return found


async def measure(arguments, model, exports: list[Path], base: Path) -> dict:
    """All of it against one server."""
    served = Served(base.parent, arguments.threads)
    timeout = aiohttp.ClientTimeout(total=600)
    try:
        async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0)) as session:
            await served.ready(session)
            found = {"threads": arguments.threads, "load_before": os.getloadavg()}
            found["calls"] = await compare(session, served, model, arguments.calls, arguments.clients)
            found["idle"] = await idle(session, served, 1000)
            found["large_body"] = await large_body(session, served, 100 * 2**20)
            found["swaps"] = await swaps(session, served, base, exports, arguments.clients, arguments.changes)
            found["load_after"] = os.getloadavg()
    finally:
        served.process.terminate()
        found["exit_code"] = served.process.wait(120)
    return found


def main() -> None:
    """Reads the options, exports two models, measures, writes the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--changes", type=int, default=4)
    arguments = parser.parse_args()
    model = zoo.build("lstm_vae", preset="reviews")
    with tempfile.TemporaryDirectory() as folder:
        exports = [zoo.export(model, Path(folder) / "one")]
        weights = model.get_weights()
        model.set_weights([1.05 * weight for weight in weights])
        exports.append(zoo.export(model, Path(folder) / "other"))
        model.set_weights(weights)
        base = Path(folder) / "served" / "lstm_vae"
        shutil.copytree(exports[0], base / "1")
        found = asyncio.run(measure(arguments, model, exports, base))
    found |= {"machine": platform.machine(), "cores": os.cpu_count()}
    arguments.out.write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
