"""Reads and writes safetensors files with only the standard library and torch.

The format (https://github.com/huggingface/safetensors, section "Format"): eight bytes with the length of the
header (little-endian), the header in JSON, then the values of all tensors without gaps. The header maps each
name to its dtype, shape and data_offsets, which count from the end of the header.
"""

import json
import struct
from array import array

import torch


def read_tensors(path):
    """Reads all tensors of a file by name. Only float32 is supported."""
    with open(path, "rb") as file:
        (header_bytes,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(header_bytes))
        data = bytearray(file.read())
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        if entry["dtype"] != "F32":
            raise ValueError(f"{path}: tensor {name} is {entry['dtype']}, not F32")
        begin, end = entry["data_offsets"]
        values = torch.frombuffer(data, dtype=torch.float32, offset=begin, count=(end - begin) // 4)
        tensors[name] = values.reshape(entry["shape"])
    return tensors


def write_tensors(path, tensors):
    """Writes tensors by name, as float32."""
    header, data, end = {}, [], 0
    for name, tensor in tensors.items():
        values = array("f", tensor.detach().flatten().tolist()).tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [end, end + len(values)]}
        end += len(values)
        data.append(values)
    encoded = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(encoded)))
        file.write(encoded)
        file.writelines(data)
