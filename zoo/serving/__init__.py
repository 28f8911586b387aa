"""Serving: exported models over HTTP, as TF Serving's REST API has it, and a client for either server.

`Server` and `serve` need the extra `serve`; `connect` needs nothing more.
Nothing here imports Keras: what is served are the functions in the exported graphs.
"""

__all__ = ["Limits", "Server", "connect", "serve"]


def __getattr__(name):
    import importlib

    places = {"Limits": "limits", "Server": "server", "serve": "server", "connect": "client"}
    if name not in places:
        raise AttributeError(f"module 'zoo.serving' has no attribute {name!r}")
    return getattr(importlib.import_module(f"zoo.serving.{places[name]}"), name)
