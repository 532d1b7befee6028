"""Writes a Transformer trained by s2s in the layout of Marian: an .npz file and vocabularies in YAML.

The layout is that of Marian's own models (https://marian-nmt.github.io), which CTranslate2's `ct2-marian-converter`
reads: matrices are [input, output], biases and norms are rows [1, size]. Its decoder starts from a zero embedding,
that of s2s from the embedding of <s>; a program that reads the file has to be told so.
"""

import json
import os
import struct
from dataclasses import dataclass

import numpy as np
import yaml

SPECIAL_TOKENS = ["<pad>", "<unk>", "<s>", "</s>"]


class Unsupported(Exception):
    """The layout cannot express this model."""


@dataclass
class Run:
    """The best checkpoint of a run directory (docs/run-directory.md) and what belongs to it."""

    config: dict
    model: dict  # the section `model` of the configuration that the weights were trained with
    weights: dict
    source_tokens: list  # by id
    target_tokens: list


def load_run(folder):
    """Reads a run directory."""
    with open(os.path.join(folder, "config.yaml"), encoding="utf-8") as file:
        config = yaml.safe_load(file)
    index = _read_json(folder, "checkpoints", "index.json")
    best = index["best"] if index["best"] is not None else index["checkpoints"][-1]["step"]
    checkpoint = os.path.join(folder, "checkpoints", f"step-{best:08d}")
    shared = config["tokenizer"]["shared"]
    source, target = (
        _tokens(_read_json(folder, "tokenizer.json" if shared else f"tokenizer.{side}.json"))
        for side in ("source", "target")
    )
    return Run(
        config=config,
        model=_read_json(checkpoint, "state.json")["model"],
        weights=_read_safetensors(os.path.join(checkpoint, "model.safetensors")),
        source_tokens=source,
        target_tokens=target,
    )


def write_marian(run, folder):
    """Writes model.npz, source.yml and target.yml, and returns their paths. Raises Unsupported."""
    check(run.model)
    model = os.path.join(folder, "model.npz")
    # Marian ends the text with one NUL, which readers cut off.
    options = np.frombuffer(yaml.safe_dump(_options(run)).encode() + b"\0", dtype=np.int8)
    np.savez(model, **tensors(run), **{"special:model.yml": options})
    vocabularies = [os.path.join(folder, f"{side}.yml") for side in ("source", "target")]
    for path, tokens in zip(vocabularies, [run.source_tokens, run.target_tokens]):
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.writelines(f"{_quoted(token)}: {number}\n" for number, token in enumerate(tokens))
    return model, vocabularies


def check(model):
    """Raises Unsupported, naming the settings that the layout lacks or has only once for both sides."""
    encoder, decoder = model["encoder"], model["decoder"]
    required = {
        "type": ["transformer"],
        "activation": ["relu", "swish"],
        "normalization": ["layer"],
        "positions": ["sinusoidal"],
        "scaleEmbeddings": [True],
    }
    settings = [(f"model.{side}.{key}", model[side].get(key), required[key])
                for side in ("encoder", "decoder") for key in required]
    settings.append(("model.decoder.autoregression", decoder.get("autoregression"), ["attention"]))
    for key, value, allowed in settings:
        if value not in allowed:
            raise Unsupported(f"{key} must be {' or '.join(map(str, allowed))}, but is {value}")
    for key in ("activation", "normPosition", "heads", "feedForwardSize"):
        if encoder[key] != decoder[key]:
            raise Unsupported(f"model.encoder.{key} and model.decoder.{key} must be equal")


def tensors(run):
    """The weights by Marian's names. Kernels of s2s that hold several matrices side by side are split."""
    weights, named = run.weights, {}

    def row(name, values):
        named[name] = values.reshape(1, -1)

    def linear(prefix, suffixes, kernel, bias):
        """`suffixes` has one letter or digit for each matrix in the kernel."""
        matrices, vectors = (np.split(weights[name], len(suffixes), axis=-1) for name in (kernel, bias))
        for suffix, matrix, vector in zip(suffixes, matrices, vectors):
            named[f"{prefix}_W{suffix}"] = np.ascontiguousarray(matrix)
            row(f"{prefix}_b{suffix}", vector)

    def norm(prefix, name, suffix=""):
        row(f"{prefix}_ln_scale{suffix}", weights[f"{name}.gain"])
        row(f"{prefix}_ln_bias{suffix}", weights[f"{name}.bias"])

    for side in ("encoder", "decoder"):
        has_norm_before = run.model[side]["normPosition"] == "pre"
        suffix = "_pre" if has_norm_before else ""
        for layer in range(run.model[side]["layers"]):
            theirs, ours = f"{side}_l{layer + 1}", f"{side}.layers.{layer}"
            name = f"{ours}.selfAttention"
            linear(f"{theirs}_self", "qkv", f"{name}.kernel", f"{name}.bias")
            linear(f"{theirs}_self", "o", f"{name}.outputKernel", f"{name}.outputBias")
            norm(f"{theirs}_self_Wo", f"{name}.norm", suffix)
            if side == "decoder":
                name = f"{ours}.crossAttention"
                linear(f"{theirs}_context", "q", f"{name}.queryKernel", f"{name}.queryBias")
                linear(f"{theirs}_context", "kv", f"{name}.memoryKernel", f"{name}.memoryBias")
                linear(f"{theirs}_context", "o", f"{name}.outputKernel", f"{name}.outputBias")
                norm(f"{theirs}_context_Wo", f"{name}.norm", suffix)
            name = f"{ours}.feedForward"
            linear(f"{theirs}_ffn", "1", f"{name}.inputKernel", f"{name}.inputBias")
            linear(f"{theirs}_ffn", "2", f"{name}.outputKernel", f"{name}.outputBias")
            norm(f"{theirs}_ffn_ffn", f"{name}.norm", suffix)
        if has_norm_before:
            norm(f"{side}_top", f"{side}.norm")
    if "shared.embedding" in weights:
        named["Wemb"] = weights["shared.embedding"]
    else:
        named["encoder_Wemb"], named["decoder_Wemb"] = weights["source.embedding"], weights["target.embedding"]
    if "output.kernel" in weights:
        named["decoder_ff_logit_out_Wt"] = weights["output.kernel"]
    row("decoder_ff_logit_out_b", weights["output.bias"])
    return named


def _options(run):
    """Marian's options of the model."""
    encoder, decoder = run.model["encoder"], run.model["decoder"]
    is_before = encoder["normPosition"] == "pre"
    shared = bool(run.model["shareEmbeddings"])
    return {
        "type": "transformer",
        "dim-emb": run.model["embeddingSize"],
        "dim-vocabs": [len(run.source_tokens), len(run.target_tokens)],
        "enc-depth": encoder["layers"],
        "dec-depth": decoder["layers"],
        "transformer-heads": encoder["heads"],
        "transformer-dim-ffn": encoder["feedForwardSize"],
        "transformer-ffn-depth": 2,
        "transformer-ffn-activation": encoder["activation"],
        "transformer-preprocess": "n" if is_before else "",
        "transformer-postprocess": "da" if is_before else "dan",
        "transformer-postprocess-top": "n" if is_before else "",
        "transformer-postprocess-emb": "d",
        "transformer-decoder-autoreg": "self-attention",
        "transformer-no-projection": False,
        "transformer-guided-alignment-layer": "last",
        "tied-embeddings": bool(run.model["tieTargetEmbeddings"]),
        "tied-embeddings-src": shared,
        "tied-embeddings-all": shared and bool(run.model["tieTargetEmbeddings"]),
    }


def _quoted(token):
    """A token as a YAML string. The converter of CTranslate2 reads these two escapes as they are meant here."""
    return '"' + token.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _tokens(tokenizer):
    """The tokens of a tokenizer.json by id."""
    vocabulary = tokenizer["model"]["vocab"]
    # A unigram model has a list of tokens and scores, others a mapping from tokens to ids.
    pairs = vocabulary.items() if isinstance(vocabulary, dict) else ((t, i) for i, (t, _) in enumerate(vocabulary))
    ids = dict(pairs)
    ids.update((token["content"], token["id"]) for token in tokenizer.get("added_tokens", []))
    tokens = [token for token, _ in sorted(ids.items(), key=lambda item: item[1])]
    if tokens[: len(SPECIAL_TOKENS)] != SPECIAL_TOKENS or sorted(ids.values()) != list(range(len(ids))):
        raise Unsupported(f"the ids of the tokenizer must count from 0 and begin with {' '.join(SPECIAL_TOKENS)}")
    return tokens


def _read_json(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return json.load(file)


def _read_safetensors(path):
    """The float32 tensors of a safetensors file by name."""
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
        data = file.read()
    header.pop("__metadata__", None)
    read = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        read[name] = np.frombuffer(data[start:end], dtype="<f4").reshape(entry["shape"])
    return read
