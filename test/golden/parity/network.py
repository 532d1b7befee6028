"""The networks of s2s in PyTorch, one sentence at a time: no batches, no padding, no masks.

`build` creates a Network from a model configuration and the tensors of a checkpoint. A new architecture adds a class to
ENCODERS or DECODERS under its name in `model.encoder.type` or `model.decoder.type`:

    encoder(embedded [time, embedding]) -> Memory
    decoder.start(memory) -> state: a tuple of tensors [1, ...]; their first dimension is the hypothesis
    decoder.step(embedded [rows, embedding], state, memory) -> outputs [rows, hidden], state
    decoder.outputs(embedded [time, embedding], memory) -> outputs [time, hidden] of the whole target

References: LSTM, Hochreiter and Schmidhuber 1997 with the forget gate of Gers et al. 2000; attention and input feeding,
Luong et al. 2015.
"""

from dataclasses import dataclass
from types import SimpleNamespace

import torch

from transformer import TransformerDecoder, TransformerEncoder

PAD, UNK, BOS, EOS = 0, 1, 2, 3


def read_model(config):
    """Reads the settings of the network from `model` of a configuration. No other function depends on its keys."""
    encoder, decoder = config["encoder"], config["decoder"]
    return SimpleNamespace(
        encoder_type=encoder.get("type", "lstm"),
        encoder_layers=encoder["layers"],
        bidirectional=encoder.get("bidirectional"),
        decoder_type=decoder.get("type", "lstm"),
        decoder_layers=decoder["layers"],
        decoder_size=decoder["hiddenSize"],
        input_feeding=decoder.get("inputFeeding"),
        attention=decoder.get("attention"),
        bridge=decoder.get("bridge"),
        share_embeddings=config["shareEmbeddings"],
        tie_target_embeddings=config["tieTargetEmbeddings"],
        config=config,
    )


@dataclass
class Memory:
    """The encoding of a source sentence for the decoder."""

    outputs: torch.Tensor  # [time, size]
    states: list  # (hidden [1, size], cell [1, size]) of each encoder layer after the sentence


def lstm_weights(weights, name):
    """The weights of a layer in the layout of PyTorch. Both order the gates input, forget, candidate, output."""
    bias = weights[f"{name}.bias"]
    return [weights[f"{name}.inputKernel"].T, weights[f"{name}.recurrentKernel"].T, bias, torch.zeros_like(bias)]


def run_lstm(weights, name, inputs, state=None):
    """Runs one layer on `inputs` [time, size], like torch.nn.LSTM: outputs [time, hidden] and final state."""
    parameters = lstm_weights(weights, name)
    if state is None:
        zero = inputs.new_zeros(1, parameters[1].shape[1])
        state = (zero, zero)
    start = [part[None] for part in state]
    outputs, hidden, cell = torch.lstm(
        inputs[:, None], start, parameters, has_biases=True, num_layers=1, dropout=0.0, train=False,
        bidirectional=False, batch_first=False,
    )
    return outputs[:, 0], (hidden[0], cell[0])


class LstmEncoder:
    def __init__(self, model, weights):
        self.model, self.weights = model, weights

    def __call__(self, embedded):
        outputs, states = embedded, []
        for layer in range(self.model.encoder_layers):
            name = f"encoder.layers.{layer}"
            forward, (hidden, cell) = run_lstm(self.weights, f"{name}.forward", outputs)
            if self.model.bidirectional:
                backward, final = run_lstm(self.weights, f"{name}.backward", outputs.flip(0))
                forward = torch.cat([forward, backward.flip(0)], 1)
                hidden, cell = torch.cat([hidden, final[0]], 1), torch.cat([cell, final[1]], 1)
            outputs = forward
            states.append((hidden, cell))
        return Memory(outputs, states)


class LstmDecoder:
    def __init__(self, model, weights):
        self.model, self.weights = model, weights

    def start(self, memory):
        """Hidden state and cell of each layer, then (with input feeding) the attentional hidden state."""
        state = []
        for layer in range(self.model.decoder_layers):
            # Decoder layers beyond the number of encoder layers start from the last encoder layer.
            source = memory.states[min(layer, len(memory.states) - 1)]
            for part, values in zip(("hidden", "cell"), source):
                state.append(self._bridge(layer, part, values))
        if self.model.input_feeding:
            state.append(memory.outputs.new_zeros(1, self.model.decoder_size))
        return tuple(state)

    def step(self, embedded, state, memory):
        following = []
        inputs = torch.cat([embedded, state[-1]], 1) if self.model.input_feeding else embedded
        for layer in range(self.model.decoder_layers):
            parameters = lstm_weights(self.weights, f"decoder.layers.{layer}")
            hidden, cell = torch.lstm_cell(inputs, state[2 * layer : 2 * layer + 2], *parameters)
            following += [hidden, cell]
            inputs = hidden
        outputs = self._attend(inputs, memory)
        if self.model.input_feeding:
            following.append(outputs)
        return outputs, tuple(following)

    def outputs(self, embedded, memory):
        state = self.start(memory)
        if self.model.input_feeding:
            rows = []
            for row in embedded.split(1):
                output, state = self.step(row, state, memory)
                rows.append(output)
            return torch.cat(rows)
        inputs = embedded
        for layer in range(self.model.decoder_layers):
            inputs, _ = run_lstm(self.weights, f"decoder.layers.{layer}", inputs, state[2 * layer : 2 * layer + 2])
        return self._attend(inputs, memory)

    def _bridge(self, layer, part, values):
        if self.model.bridge == "copy":
            return values
        if self.model.bridge == "zero":
            return values.new_zeros(1, self.model.decoder_size)
        name = f"bridge.layers.{layer}.{part}"
        return torch.tanh(values @ self.weights[f"{name}.kernel"] + self.weights[f"{name}.bias"])

    def _attend(self, queries, memory):
        """tanh(W [context; query]) for each query [rows, hidden] (Luong et al. 2015, section 3.1)."""
        kind, weights = self.model.attention, self.weights
        if kind == "none":
            return queries
        keys = memory.outputs if kind == "dot" else memory.outputs @ weights["attention.keyKernel"]
        if kind == "concat":
            projected = queries @ weights["attention.queryKernel"]
            sums = torch.tanh(projected[:, None, :] + keys[None, :, :])
            scores = sums @ weights["attention.scoreVector"]
        else:
            scores = queries @ keys.T
            if kind == "scaled":
                scores = scores * weights["attention.scale"]
        context = torch.softmax(scores, 1) @ memory.outputs
        return torch.tanh(torch.cat([context, queries], 1) @ weights["attention.outputKernel"])


def transformer_encoder(model, weights):
    """It has no final state: the mean of its outputs takes the place of each part."""
    encode = TransformerEncoder(model.config, weights)

    def encoded(embedded):
        outputs = encode(embedded)
        mean = outputs.mean(0, keepdim=True)
        return Memory(outputs, [(mean, mean)])

    return encoded


ENCODERS = {"lstm": LstmEncoder, "transformer": transformer_encoder}
DECODERS = {"lstm": LstmDecoder, "transformer": lambda model, weights: TransformerDecoder(model.config, weights)}


class Network:
    """Embeddings, encoder, decoder and output projection."""

    def __init__(self, encoder, decoder, source_embedding, target_embedding, output_kernel, output_bias):
        self.encoder, self.decoder = encoder, decoder
        self.source_embedding, self.target_embedding = source_embedding, target_embedding
        self.output_kernel, self.output_bias = output_kernel, output_bias

    def encode(self, source):
        """Encodes a source sentence (ids without `</s>`)."""
        return self.encoder(self.source_embedding[torch.tensor([*source, EOS])])

    def log_probabilities(self, source, target):
        """Log-probabilities [len(target) + 1, vocabulary] under teacher forcing."""
        embedded = self.target_embedding[torch.tensor([BOS, *target])]
        return self._predict(self.decoder.outputs(embedded, self.encode(source)))

    def step(self, previous, state, memory):
        """Log-probabilities [rows, vocabulary] of the token after each of `previous`, and the new state."""
        outputs, state = self.decoder.step(self.target_embedding[torch.tensor(previous)], state, memory)
        return self._predict(outputs), state

    def _predict(self, outputs):
        return torch.log_softmax(outputs @ self.output_kernel.T + self.output_bias, 1)


def build(config, weights):
    """Builds the network of a model configuration from weights by name."""
    model = read_model(config)
    source_embedding = weights["shared.embedding" if model.share_embeddings else "source.embedding"]
    target_embedding = weights["shared.embedding" if model.share_embeddings else "target.embedding"]
    output_kernel = target_embedding if model.tie_target_embeddings else weights["output.kernel"]
    encoder = ENCODERS[model.encoder_type](model, weights)
    decoder = DECODERS[model.decoder_type](model, weights)
    return Network(encoder, decoder, source_embedding, target_embedding, output_kernel, weights["output.bias"])
