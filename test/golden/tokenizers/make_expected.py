"""Encodes and decodes inputs.json with every tokenizer in this folder, using the Python library of Hugging Face.

    pip install tokenizers==0.23.3
    python test/golden/tokenizers/make_expected.py

Writes expected.json with ids, tokens and decoded text of every input for each tokenizer.
"""
import json
from pathlib import Path

import tokenizers

here = Path(__file__).parent
inputs = json.loads((here / "inputs.json").read_text(encoding="utf-8"))
expected = {"made_by": f"tokenizers {tokenizers.__version__} (Python)"}
for file in sorted(here.glob("tokenizer.*.json")):
    tokenizer = tokenizers.Tokenizer.from_file(str(file))
    encodings = [tokenizer.encode(text) for text in inputs]
    expected[file.name] = [
        {
            "ids": encoding.ids,
            "tokens": encoding.tokens,
            "decoded": tokenizer.decode(encoding.ids, skip_special_tokens=False),
        }
        for encoding in encodings
    ]
(here / "expected.json").write_text(json.dumps(expected, ensure_ascii=True, indent=0) + "\n", encoding="utf-8")
