"""What Prometheus reads: requests, times, texts written, versions in service."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """The figures of one server; only known models and signatures become labels, so that nobody can fill the memory."""

    def __init__(self):
        self.registry = CollectorRegistry()
        asked = ["model", "signature"]
        self.requests = Counter(
            "textgen_requests", "Requests by their HTTP status.", [*asked, "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "textgen_request_seconds", "Time to the end of an answer.", asked, buckets=SECONDS, registry=self.registry
        )
        self.texts = Counter("textgen_texts", "Strings in answers.", asked, registry=self.registry)
        self.version = Gauge(
            "textgen_version", "The version that answers where none is named.", ["model"], registry=self.registry
        )
        self.available = Gauge(
            "textgen_versions_available", "Versions that are loaded.", ["model"], registry=self.registry
        )
        self.waiting = Gauge("textgen_requests_waiting", "Requests that run or wait to.", registry=self.registry)

    def observe(self, model: str, signature: str, status: int, seconds: float) -> None:
        """Counts a request that was answered."""
        self.requests.labels(model, signature, status).inc()
        self.seconds.labels(model, signature).observe(seconds)

    def text(self, in_service: dict[str, list[int]], waiting: int) -> bytes:
        """All figures in Prometheus' format."""
        self.version.clear()
        self.available.clear()
        for model, versions in in_service.items():
            self.available.labels(model).set(len(versions))
            if versions:
                self.version.labels(model).set(versions[0])
        self.waiting.set(waiting)
        return generate_latest(self.registry)
