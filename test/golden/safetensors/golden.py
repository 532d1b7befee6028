"""Writes python.safetensors and checks that written.safetensors, written by s2s, has the same content.

python3 -m venv venv && venv/bin/pip install safetensors==0.8.0 numpy==2.4.6 && venv/bin/python golden.py
"""
import os
import numpy as np
import safetensors
from safetensors.numpy import load_file, save_file

os.chdir(os.path.dirname(os.path.abspath(__file__)))
tensors = {
    "encoder.layers.0.forward.kernel": np.arange(6, dtype=np.float32).reshape(2, 3) / 4,
    "größe": np.array([1.5, -2.25], dtype=np.float64),
    "scalar": np.array(7, dtype=np.int32),
    "empty": np.zeros((0, 4), dtype=np.float32),
    "long": np.array([2**40, -1], dtype=np.int64),
    "bytes": np.array([0, 255, 3], dtype=np.uint8),
    "half": np.array([1.0, -0.5], dtype=np.float16),
    "flag": np.array([True, False, True]),
}
metadata = {"format": "np", "note": "ä"}
save_file(tensors, "python.safetensors", metadata=metadata)

found = load_file("written.safetensors")
assert found.keys() == tensors.keys(), found.keys()
for name, expected in tensors.items():
    assert found[name].dtype == expected.dtype, name
    assert found[name].shape == expected.shape, name
    assert (found[name] == expected).all(), name
with safetensors.safe_open("written.safetensors", "np") as file:
    assert file.metadata() == metadata, file.metadata()
print("safetensors", safetensors.__version__, "reads written.safetensors as expected")
