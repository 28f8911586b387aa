"""TensorFlow's C library alone, as a server links it: the ops it registers, and what an export answers.

A program for a process of its own, started by `zoo.audit.answering`: importing TensorFlow in Python adds ops and
kernels (`PyFunc` among them) that no server has, so nothing but the standard library is imported here.

    python c_api.py FOLDER [LIBRARY …] < question.json > answer.json

FOLDER holds `libtensorflow_framework.so.2` and `libtensorflow_cc.so.2`, each LIBRARY more ops. The question is an
object: {} asks for the ops, {"export": folder, "runs": [{"feeds": {tensor: value}, "fetches": [tensor]}]} for answers.
"""

import base64
import ctypes
import json
import sys
from ctypes import POINTER, Structure, byref, c_char_p, c_int, c_int64, c_size_t, c_void_p
from pathlib import Path

STRING_TYPE, STRING_SIZE = 7, 24
# By TensorFlow's number of the dtype.
NUMBERS = {1: ctypes.c_float, 2: ctypes.c_double, 3: ctypes.c_int32, 9: ctypes.c_int64, 10: ctypes.c_bool}


class Buffer(Structure):
    _fields_ = [("data", c_void_p), ("length", c_size_t), ("deallocator", c_void_p)]


def content(buffer: Buffer) -> bytes:
    return ctypes.string_at(buffer.data, buffer.length)


class Output(Structure):
    _fields_ = [("operation", c_void_p), ("index", c_int)]


POINTER_RESULTS = {
    "TF_NewStatus": [],
    "TF_NewGraph": [],
    "TF_NewSessionOptions": [],
    "TF_LoadLibrary": [c_char_p, c_void_p],
    "TF_LoadSessionFromSavedModel":
        [c_void_p, c_void_p, c_char_p, POINTER(c_char_p), c_int, c_void_p, c_void_p, c_void_p],
    "TF_GraphOperationByName": [c_void_p, c_char_p],
    "TF_AllocateTensor": [c_int, POINTER(c_int64), c_int, c_size_t],
    "TF_TensorData": [c_void_p],
    "TF_StringGetDataPointer": [c_void_p],
}  # fmt: skip
OTHER_RESULTS = {
    "TF_Version": (c_char_p, []),
    "TF_GetCode": (c_int, [c_void_p]),
    "TF_Message": (c_char_p, [c_void_p]),
    "TF_GetAllOpList": (POINTER(Buffer), []),
    "TF_GetAllRegisteredKernels": (POINTER(Buffer), [c_void_p]),
    "TF_TensorType": (c_int, [c_void_p]),
    "TF_NumDims": (c_int, [c_void_p]),
    "TF_Dim": (c_int64, [c_void_p, c_int]),
    "TF_DeleteTensor": (None, [c_void_p]),
    "TF_StringInit": (None, [c_void_p]),
    "TF_StringCopy": (None, [c_void_p, c_char_p, c_size_t]),
    "TF_StringGetSize": (c_size_t, [c_void_p]),
    "TF_SessionRun": (None, [c_void_p, c_void_p, c_void_p, c_void_p, c_int, c_void_p, c_void_p, c_int, c_void_p, c_int,
                             c_void_p, c_void_p]),
}  # fmt: skip


def number_type(kind: int) -> type:
    """The type in C of a dtype's values."""
    if kind not in NUMBERS:
        raise RuntimeError(f"tensors of dtype number {kind} cannot be told")
    return NUMBERS[kind]


class TensorFlow:
    """The library in a folder, with XLA disabled as in a server.

    Raises:
        OSError: if there is no such library.
        RuntimeError: if a library of more ops cannot be loaded.
    """

    def __init__(self, folder: str, more_ops=()):
        # The second finds the symbols of the first only if they are global.
        for name in ("framework", "cc"):
            self.c = ctypes.CDLL(str(Path(folder) / f"libtensorflow_{name}.so.2"), mode=ctypes.RTLD_GLOBAL)
        for name, arguments in POINTER_RESULTS.items():
            getattr(self.c, name).restype, getattr(self.c, name).argtypes = c_void_p, arguments
        for name, (result, arguments) in OTHER_RESULTS.items():
            getattr(self.c, name).restype, getattr(self.c, name).argtypes = result, arguments
        self.c["_ZN10tensorflow21DisableXlaCompilationEv"]()
        self.status = self.c.TF_NewStatus()
        for library in more_ops:
            self.c.TF_LoadLibrary(str(library).encode(), self.status)
            self.check()

    def check(self) -> None:
        if self.c.TF_GetCode(self.status):
            raise RuntimeError(self.c.TF_Message(self.status).decode("utf-8", "replace"))

    def registered(self) -> dict:
        """The version, and the messages `OpList` and `KernelList`."""
        buffers = {"ops": self.c.TF_GetAllOpList(), "kernels": self.c.TF_GetAllRegisteredKernels(self.status)}
        self.check()
        packed = {name: base64.b64encode(content(found.contents)).decode() for name, found in buffers.items()}
        return {"version": self.c.TF_Version().decode(), **packed}

    def load(self, export: str) -> "Session":
        """The session of an export.

        Raises:
            RuntimeError: with what the library says, if it cannot load it.
        """
        tags, graph = (c_char_p * 1)(b"serve"), self.c.TF_NewGraph()
        options, meta_graph = self.c.TF_NewSessionOptions(), Buffer()
        session = self.c.TF_LoadSessionFromSavedModel(
            options, None, export.encode(), tags, 1, graph, byref(meta_graph), self.status
        )
        self.check()
        return Session(self, graph, session)

    def tensor(self, value: dict) -> int:
        """A tensor; see `to_library` of `zoo.tensors` for how one is written in JSON."""
        shape, kind = value["shape"], value["dtype"]
        size = STRING_SIZE if kind == STRING_TYPE else ctypes.sizeof(number_type(kind))
        count = len(value["values"])
        made = self.c.TF_AllocateTensor(kind, (c_int64 * len(shape))(*shape), len(shape), size * count)
        place = self.c.TF_TensorData(made)
        if kind == STRING_TYPE:
            for index, text in enumerate(map(base64.b64decode, value["values"])):
                self.c.TF_StringInit(place + STRING_SIZE * index)
                self.c.TF_StringCopy(place + STRING_SIZE * index, text, len(text))
        elif count:
            ctypes.memmove(place, (number_type(kind) * count)(*value["values"]), size * count)
        return made

    def value(self, tensor: int) -> dict:
        """The reverse."""
        kind = self.c.TF_TensorType(tensor)
        shape = [self.c.TF_Dim(tensor, axis) for axis in range(self.c.TF_NumDims(tensor))]
        count, place = 1, self.c.TF_TensorData(tensor)
        for size in shape:
            count *= size
        if kind == STRING_TYPE:
            values = [base64.b64encode(self.text(place + STRING_SIZE * index)).decode() for index in range(count)]
        else:
            values = list((number_type(kind) * count).from_address(place)) if count else []
        return {"dtype": kind, "shape": shape, "values": values}

    def text(self, place: int) -> bytes:
        size = self.c.TF_StringGetSize(place)
        return ctypes.string_at(self.c.TF_StringGetDataPointer(place), size)


class Session:
    """A loaded export."""

    def __init__(self, library: TensorFlow, graph: int, session: int):
        self.library, self.graph, self.session = library, graph, session

    def outputs(self, names) -> ctypes.Array:
        """The places in the graph of tensors "operation:index"."""
        found = []
        for name in names:
            operation, _, index = name.partition(":")
            place = self.library.c.TF_GraphOperationByName(self.graph, operation.encode())
            if not place:
                raise RuntimeError(f"the graph has no operation {operation!r}")
            found.append(Output(place, int(index or 0)))
        return (Output * len(found))(*found)

    def run(self, feeds: dict, fetches: list) -> list:
        """The values of the tensors `fetches`.

        Raises:
            RuntimeError: with what the library says, if it cannot compute them.
        """
        library = self.library
        given = (c_void_p * len(feeds))(*map(library.tensor, feeds.values()))
        found = (c_void_p * len(fetches))()
        library.c.TF_SessionRun(
            self.session, None, self.outputs(feeds), given, len(feeds), self.outputs(fetches), found, len(fetches),
            None, 0, None, library.status,
        )  # fmt: skip
        library.check()
        values = [library.value(tensor) for tensor in found]
        for tensor in [*given, *found]:
            library.c.TF_DeleteTensor(tensor)
        return values


def answer(library: TensorFlow, question: dict) -> dict:
    if "export" not in question:
        return library.registered()
    session = library.load(question["export"])
    runs = []
    for run in question["runs"]:
        try:
            runs.append({"values": session.run(run["feeds"], run["fetches"])})
        except RuntimeError as error:
            runs.append({"error": str(error)})
    return {"version": library.c.TF_Version().decode(), "runs": runs}


if __name__ == "__main__":
    try:
        found = answer(TensorFlow(sys.argv[1], sys.argv[2:]), json.load(sys.stdin))
    except (OSError, RuntimeError) as error:
        found = {"error": str(error)}
    json.dump(found, sys.stdout)
