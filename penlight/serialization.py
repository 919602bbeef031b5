"""Saving and loading tensors in nested dictionaries and lists, as safetensors files.

A file holds raw tensors and a header that describes them: nothing in it is ever executed. The structure
around the tensors (nested dictionaries, lists, numbers, strings) is JSON in the header's metadata, so that an
optimizer's state goes into a file as well as a module's; tensors stand under their dotted names, for any
other reader of the format. Needs the package `safetensors`.
"""

import json
import os
import tempfile

import penlight
from penlight import Tensor

_STRUCTURE = "penlight"  # the metadata's key under which the structure stands
_VERSION = 1

_NAMES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U8": "uint8",
    "BOOL": "bool",
}


def _safetensors():
    try:
        import safetensors
    except ImportError as error:
        raise ImportError(
            "penlight.save and penlight.load need the package safetensors: pip install 'penlight[demo]' "
            "or pip install safetensors"
        ) from error
    return safetensors


# ---- saving


def save(obj, f):
    """Writes tensors, or nested dictionaries, lists and tuples of tensors, numbers, strings and None, to a
    file.

    Args:
        obj: a tensor, a ``state_dict`` of a module or optimizer, or any nesting of such; dictionary keys are
            strings, numbers, booleans or None. Views are written as what they show, each by itself.
        f: path, or a file opened for writing in binary mode.

    A path is written in one piece: first beside it under another name, then moved over it. A crash in the
    middle leaves the old file whole.

    Raises:
        TypeError: something in ``obj`` cannot be written; the message says where.
        ImportError: safetensors is not installed.

    >>> import os, tempfile, penlight
    >>> path = os.path.join(tempfile.mkdtemp(), "net.safetensors")
    >>> penlight.save(penlight.nn.Linear(2, 3).state_dict(), path)
    >>> penlight.load(path)["bias"].shape
    torch.Size([3])
    """
    data = _to_bytes(obj)
    if hasattr(f, "write"):
        f.write(data)
        return
    path = os.fspath(f)
    folder = os.path.dirname(os.path.abspath(path))
    handle, beside = tempfile.mkstemp(prefix=os.path.basename(path) + ".", suffix=".part", dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(beside, _mode(path))
        os.replace(beside, path)
    except BaseException:
        os.unlink(beside)
        raise
    _sync_folder(folder)


def _mode(path):
    """The old file's permissions, or those that a new file gets."""
    try:
        return os.stat(path).st_mode & 0o777
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


def _sync_folder(folder):
    """Makes the move itself last, where the system has a way to."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)


def _to_bytes(obj):
    safetensors = _safetensors()
    tensors = {}
    try:
        structure = _pack(obj, "", tensors)
    except RecursionError:
        raise TypeError("save: the object is nested too deeply, or contains itself") from None
    metadata = {"format": "pt", _STRUCTURE: json.dumps({"version": _VERSION, "structure": structure})}
    arrays = {name: _bytes_of(tensor) for name, tensor in tensors.items()}
    flat = {}
    for name, tensor in tensors.items():
        dtype, shape, array = str(tensor.dtype).rpartition(".")[2], list(tensor.shape), arrays[name]
        if hasattr(safetensors, "TensorSpec"):
            flat[name] = safetensors.TensorSpec(
                dtype=dtype, shape=shape, data_ptr=array.ctypes.data, data_len=array.nbytes
            )
        else:  # before version 0.8
            flat[name] = {"dtype": dtype, "shape": shape, "data": array.tobytes()}
    return safetensors.serialize(flat, metadata=metadata)


def _bytes_of(tensor):
    """The elements' bytes in a NumPy array, in order and little end first."""
    tensor = tensor.detach().contiguous()
    if tensor.dtype == penlight.bfloat16:
        tensor = tensor.view(penlight.int16)
    array = tensor.numpy()
    return array.astype(array.dtype.newbyteorder("<"), copy=False).reshape(-1)


def _pack(value, path, tensors):
    """The JSON form of a value; its tensors go into ``tensors`` under dotted names."""
    if isinstance(value, Tensor):
        name = path or "tensor"
        if name in tensors:  # the keys "a.b" and "a" -> "b" have the same dotted name
            name = f"{name}#{len(tensors)}"
        tensors[name] = value
        return {"tensor": name}
    if isinstance(value, dict):
        entries = []
        for key, entry in value.items():
            if not isinstance(key, (str, int, float, bool, type(None))):
                raise TypeError(
                    f"save: key {key!r} at {path or 'the top'} must be a string, number, bool or None"
                )
            entries.append([key, _pack(entry, f"{path}.{key}" if path else str(key), tensors)])
        return {"dict": entries}
    if isinstance(value, (list, tuple)):
        kind = "list" if isinstance(value, list) else "tuple"
        return {
            kind: [_pack(entry, f"{path}.{i}" if path else str(i), tensors) for i, entry in enumerate(value)]
        }
    if value is None or isinstance(value, (bool, int, float, str)):
        return {"value": value}
    if hasattr(value, "item") and getattr(value, "shape", None) == ():  # a NumPy number
        return {"value": value.item()}
    hint = "; save its state_dict() instead" if hasattr(value, "state_dict") else ""
    raise TypeError(f"save: cannot write {type(value).__name__} at {path or 'the top'}{hint}")


# ---- loading


def load(f, map_location=None, *, weights_only=True):
    """Reads what :func:`save` wrote, or any other safetensors file (a dictionary of tensors).

    Args:
        f: path, or a file opened for reading in binary mode.
        map_location: taken for compatibility; everything is loaded to the CPU.

    Raises:
        RuntimeError: the file is damaged, cut off, or no safetensors file; the message names it.
        FileNotFoundError: there is no such file.
        ImportError: safetensors is not installed.
    """
    safetensors = _safetensors()
    if hasattr(f, "read"):
        name, data = getattr(f, "name", "the given file"), f.read()
    else:
        name = os.fspath(f)
        with open(name, "rb") as file:
            data = file.read()
    try:
        entries = safetensors.deserialize(data)
        # The format: eight bytes with the header's length, the header as JSON, the tensors' bytes.
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        metadata = header.pop("__metadata__", None) or {}
    except Exception as error:
        raise RuntimeError(f"load: {name} is damaged or no safetensors file: {error}") from error
    entries = dict(entries)
    tensors = {key: _tensor(entries[key], key, name) for key in header}  # in the file's order
    if _STRUCTURE not in metadata:
        return tensors
    try:
        stored = json.loads(metadata[_STRUCTURE])
        if stored["version"] != _VERSION:
            raise ValueError(f"version {stored['version']} of the structure is not known")
        return _unpack(stored["structure"], tensors)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise RuntimeError(f"load: {name} has a damaged structure: {error!r}") from error


def _tensor(entry, key, name):
    dtype = _NAMES.get(entry["dtype"])
    if dtype is None:
        raise RuntimeError(f"load: {name} holds {key} of dtype {entry['dtype']}, which penlight has not")
    import numpy

    shape = entry["shape"]
    stored = {"bool": "uint8", "bfloat16": "int16"}.get(dtype, dtype)
    data = entry["data"] if isinstance(entry["data"], bytearray) else bytearray(entry["data"])
    array = numpy.frombuffer(data, dtype=numpy.dtype(stored).newbyteorder("<"))
    if dtype == "bool" and array.size and array.max() > 1:
        raise RuntimeError(f"load: {name} is damaged: {key} of dtype bool holds other bytes than 0 and 1")
    tensor = penlight.from_numpy(array.astype(stored, copy=False).reshape(shape))
    if stored == dtype:
        return tensor
    return tensor.to(penlight.bool) if dtype == "bool" else tensor.view(getattr(penlight, dtype))


def _unpack(node, tensors):
    ((kind, value),) = node.items()
    if kind == "tensor":
        return tensors[value]
    if kind == "dict":
        return {key: _unpack(entry, tensors) for key, entry in value}
    if kind == "list":
        return [_unpack(entry, tensors) for entry in value]
    if kind == "tuple":
        return tuple(_unpack(entry, tensors) for entry in value)
    if kind == "value" and (value is None or isinstance(value, (bool, int, float, str))):
        return value
    raise ValueError(f"unknown entry {kind}")
