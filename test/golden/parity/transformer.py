"""Transformer encoder and decoder in PyTorch, one sentence at a time, in the form that network.py describes.

Written from the formulas: Vaswani et al. 2017 (attention, residual connections, positions), Wang et al. 2019
(normalisation before sublayers), Zhang and Sennrich 2019 (root mean square normalisation), Shazeer 2020 (SwiGLU),
Kim et al. 2019 (SSRU). Attention is computed by torch.nn.functional.multi_head_attention_forward over a whole sentence,
and by hand step by step.
"""

import math

import torch
from torch.nn import functional

EPSILON = 1e-5


def positions(config, weights, name, count):
    """Vectors [count, size] of the first positions."""
    size = config["hiddenSize"]
    if config["positions"] == "learned":
        return weights[f"{name}.positions"][:count]
    # transformers.models.marian: sin(p / 10000^(2 floor(j / 2) / size)) of the even columns j, then cos of the odd ones.
    table = torch.zeros(count, size, dtype=torch.float64)
    sines = (size + 1) // 2
    for position in range(count):
        angles = [position / 10000 ** (2 * (column // 2) / size) for column in range(size)]
        for column, angle in enumerate(angles):
            if column % 2 == 0:
                table[position, column // 2] = math.sin(angle)
            else:
                table[position, sines + column // 2] = math.cos(angle)
    return table


def normalize(config, weights, name, values):
    gain = weights[f"{name}.gain"]
    if config["normalization"] == "rms":
        return functional.rms_norm(values, gain.shape, gain, EPSILON)
    return functional.layer_norm(values, gain.shape, gain, weights[f"{name}.bias"], EPSILON)


def affine(weights, name, part, values):
    kernel, bias = ("kernel", "bias") if part == "" else (f"{part}Kernel", f"{part}Bias")
    return values @ weights[f"{name}.{kernel}"] + weights[f"{name}.{bias}"]


def feed_forward(config, weights, name, values):
    inner = affine(weights, name, "input", values)
    if config["activation"] == "swiglu":
        gate, value = inner.chunk(2, -1)
        inner = functional.silu(gate) * value
    else:
        activations = {"relu": functional.relu, "gelu": functional.gelu, "swish": functional.silu}
        inner = activations[config["activation"]](inner)
    return affine(weights, name, "output", inner)


def whole_attention(config, weights, name, queries, memory, kernels, causal):
    """PyTorch's multi-head attention of [time, size] to [memory time, encoder size]: outputs, and weights [time, memory
    time], the mean of all heads.

    `kernels` are pairs (kernel, bias) of queries, keys and values.
    """
    (query, query_bias), (key, key_bias), (value, value_bias) = kernels
    mask = torch.triu(torch.full((len(queries), len(memory)), -math.inf, dtype=torch.float64), 1) if causal else None
    return functional.multi_head_attention_forward(
        queries, memory, memory, config["hiddenSize"], config["heads"], None,
        torch.cat([query_bias, key_bias, value_bias]), None, None, False, 0.0,
        weights[f"{name}.outputKernel"].T, weights[f"{name}.outputBias"], training=False, need_weights=True,
        attn_mask=mask, use_separate_proj_weight=True, q_proj_weight=query.T, k_proj_weight=key.T,
        v_proj_weight=value.T,
    )


def attend_step(config, weights, name, query, keys, values):
    """One query [rows, size] per hypothesis to keys and values [rows, time, size], head by head."""
    size = config["hiddenSize"] // config["heads"]
    contexts = []
    for head in range(config["heads"]):
        part = slice(head * size, (head + 1) * size)
        scores = torch.einsum("rd,rtd->rt", query[:, part], keys[:, :, part]) / math.sqrt(size)
        contexts.append(torch.einsum("rt,rtd->rd", torch.softmax(scores, 1), values[:, :, part]))
    return affine(weights, name, "output", torch.cat(contexts, 1))


def self_kernels(weights, name):
    return list(zip(weights[f"{name}.kernel"].chunk(3, 1), weights[f"{name}.bias"].chunk(3)))


def cross_kernels(weights, name):
    memory = zip(weights[f"{name}.memoryKernel"].chunk(2, 1), weights[f"{name}.memoryBias"].chunk(2))
    return [(weights[f"{name}.queryKernel"], weights[f"{name}.queryBias"]), *memory]


def residual(config, weights, name, values, sublayer):
    """The sum of a sublayer's output and its input, normalised before or after."""
    if config["normPosition"] == "pre":
        return values + sublayer(normalize(config, weights, f"{name}.norm", values))
    return normalize(config, weights, f"{name}.norm", values + sublayer(values))


def finish(config, weights, name, values):
    return normalize(config, weights, f"{name}.norm", values) if config["normPosition"] == "pre" else values


def scaled(config, embedded):
    return embedded * math.sqrt(config["hiddenSize"]) if config["scaleEmbeddings"] else embedded


class TransformerEncoder:
    def __init__(self, config, weights):
        self.config, self.weights = config["encoder"], weights

    def __call__(self, embedded):
        """Outputs [time, size]."""
        config, weights = self.config, self.weights
        values = scaled(config, embedded) + positions(config, weights, "encoder", len(embedded))
        for layer in range(config["layers"]):
            name = f"encoder.layers.{layer}"
            attention = f"{name}.selfAttention"
            values = residual(config, weights, attention, values, lambda x: whole_attention(
                config, weights, attention, x, x, self_kernels(weights, attention), False)[0])
            values = residual(config, weights, f"{name}.feedForward", values, lambda x: feed_forward(
                config, weights, f"{name}.feedForward", x))
        return finish(config, weights, "encoder", values)


class TransformerDecoder:
    def __init__(self, config, weights):
        self.config, self.weights = config["decoder"], weights

    def start(self, memory):
        """A counter, then keys and values, or the cell, of each layer."""
        size = self.config["hiddenSize"]
        state = [memory.outputs.new_zeros(1)]
        for _ in range(self.config["layers"]):
            if self.config["autoregression"] == "ssru":
                state.append(memory.outputs.new_zeros(1, size))
            else:
                state += [memory.outputs.new_zeros(1, 0, size)] * 2
        return tuple(state)

    def outputs(self, embedded, memory):
        """Outputs [time, size], what is added to the loss, and the attention weights of the last layer."""
        config, weights = self.config, self.weights
        values = scaled(config, embedded) + positions(config, weights, "decoder", len(embedded))

        def regress(layer, x):
            name = f"decoder.layers.{layer}.{self._first()}"
            if config["autoregression"] == "attention":
                return whole_attention(config, weights, name, x, x, self_kernels(weights, name), True)[0]
            cell, rows = torch.zeros(1, x.shape[1], dtype=x.dtype), []
            for row in x.split(1):
                cell = self._cell(name, row, cell)
                rows.append(functional.relu(cell))
            return torch.cat(rows)

        attention = []

        def attend(layer, x):
            name = f"decoder.layers.{layer}.crossAttention"
            kernels = cross_kernels(weights, name)
            output, shares = whole_attention(config, weights, name, x, memory.outputs, kernels, False)
            attention.append(shares)
            return output

        outputs = self._run(values, regress, attend)
        return outputs, 0.0, attention[-1]

    def step(self, embedded, state, memory):
        config, weights = self.config, self.weights
        position = int(state[0][0])
        here = positions(config, weights, "decoder", position + 1)[position]
        following = [state[0].new_full((len(embedded),), position + 1)]

        def regress(layer, x):
            name = f"decoder.layers.{layer}.{self._first()}"
            if config["autoregression"] == "ssru":
                cell = self._cell(name, x, state[1 + layer])
                following.append(cell)
                return functional.relu(cell)
            query, key, value = affine(weights, name, "", x).chunk(3, 1)
            keys = torch.cat([state[1 + 2 * layer].expand(len(x), -1, -1), key[:, None]], 1)
            values = torch.cat([state[2 + 2 * layer].expand(len(x), -1, -1), value[:, None]], 1)
            following.extend([keys, values])
            return attend_step(config, weights, name, query, keys, values)

        def attend(layer, x):
            name = f"decoder.layers.{layer}.crossAttention"
            query = affine(weights, name, "query", x)
            keys, values = affine(weights, name, "memory", memory.outputs).chunk(2, 1)
            each = (len(x), -1, -1)
            return attend_step(config, weights, name, query, keys.expand(*each), values.expand(*each))

        outputs = self._run(scaled(config, embedded) + here, regress, attend)
        return outputs, tuple(following)

    def _first(self):
        return "ssru" if self.config["autoregression"] == "ssru" else "selfAttention"

    def _run(self, values, regress, attend):
        config, weights = self.config, self.weights
        for layer in range(config["layers"]):
            name = f"decoder.layers.{layer}"
            values = residual(config, weights, f"{name}.{self._first()}", values, lambda x: regress(layer, x))
            values = residual(config, weights, f"{name}.crossAttention", values, lambda x: attend(layer, x))
            values = residual(config, weights, f"{name}.feedForward", values, lambda x: feed_forward(
                config, weights, f"{name}.feedForward", x))
        return finish(config, weights, "decoder", values)

    def _cell(self, name, row, cell):
        kernel, forget_kernel = self.weights[f"{name}.kernel"].chunk(2, 1)
        forget = torch.sigmoid(row @ forget_kernel + self.weights[f"{name}.forgetBias"])
        return forget * cell + (1 - forget) * (row @ kernel)
