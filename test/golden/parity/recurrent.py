"""Recurrent encoders and decoders in PyTorch, one sentence at a time. See network.py for the interfaces.

References: LSTM, Hochreiter and Schmidhuber 1997 with the forget gate of Gers et al. 2000; GRU, Cho et al. 2014 in the
form of torch.nn.GRU; attention after the recurrence and input feeding, Luong et al. 2015; inside it, Bahdanau et al.
2015; fed to all layers, Wu et al. 2016; coverage, See et al. 2017; heads, Vaswani et al. 2017.
"""

import torch


class Lstm:
    """LSTM layers. PyTorch and s2s order the gates input, forget, candidate, output."""

    parts = ("hidden", "cell")

    @staticmethod
    def _parameters(weights, name):
        bias = weights[f"{name}.bias"]
        return [weights[f"{name}.inputKernel"].T, weights[f"{name}.recurrentKernel"].T, bias, torch.zeros_like(bias)]

    @classmethod
    def run(cls, weights, name, inputs, state=None):
        """Runs one layer on `inputs` [time, size], like torch.nn.LSTM: outputs [time, hidden] and final state."""
        parameters = cls._parameters(weights, name)
        if state is None:
            zero = inputs.new_zeros(1, parameters[1].shape[1])
            state = (zero, zero)
        outputs, hidden, cell = torch.lstm(
            inputs[:, None], [part[None] for part in state], parameters, has_biases=True, num_layers=1, dropout=0.0,
            train=False, bidirectional=False, batch_first=False,
        )
        return outputs[:, 0], (hidden[0], cell[0])

    @classmethod
    def step(cls, weights, name, inputs, state):
        """One step for `inputs` [rows, size]: the state after it, the output first."""
        return torch.lstm_cell(inputs, state, *cls._parameters(weights, name))


class Gru:
    """GRU layers. PyTorch and s2s order the gates reset, update, candidate."""

    parts = ("hidden",)

    @staticmethod
    def _parameters(weights, name):
        kernels = [weights[f"{name}.inputKernel"].T, weights[f"{name}.recurrentKernel"].T]
        return [*kernels, weights[f"{name}.bias"], weights[f"{name}.recurrentBias"]]

    @classmethod
    def run(cls, weights, name, inputs, state=None):
        """Runs one layer on `inputs` [time, size], like torch.nn.GRU: outputs [time, hidden] and final state."""
        parameters = cls._parameters(weights, name)
        start = inputs.new_zeros(1, parameters[1].shape[1]) if state is None else state[0]
        outputs, hidden = torch.gru(
            inputs[:, None], start[None], parameters, has_biases=True, num_layers=1, dropout=0.0, train=False,
            bidirectional=False, batch_first=False,
        )
        return outputs[:, 0], (hidden[0],)

    @classmethod
    def step(cls, weights, name, inputs, state):
        """One step for `inputs` [rows, size]: the state after it."""
        return (torch.gru_cell(inputs, state[0], *cls._parameters(weights, name)),)


CELLS = {"lstm": Lstm, "gru": Gru}


def is_residual(layer, first):
    """Whether a layer, counted from 0, adds its input to its output; `first` counts from 1."""
    return first is not None and layer + 1 >= first


def mean_of_heads(weights):
    """Attention weights [rows, heads, time], in parts, to [rows, time]; None without attention."""
    return None if weights[0] is None else torch.cat(weights).mean(1)


class RecurrentEncoder:
    def __init__(self, model, weights):
        self.model, self.weights = model, weights
        self.cell = CELLS[model.encoder_type]

    def __call__(self, embedded):
        outputs, states = embedded, []
        for layer in range(self.model.encoder_layers):
            name = f"encoder.layers.{layer}"
            forward, state = self.cell.run(self.weights, f"{name}.forward", outputs)
            if self.model.bidirectional is True or (self.model.bidirectional == "first" and layer == 0):
                backward, final = self.cell.run(self.weights, f"{name}.backward", outputs.flip(0))
                forward = torch.cat([forward, backward.flip(0)], 1)
                state = tuple(torch.cat(parts, 1) for parts in zip(state, final))
            outputs = forward + outputs if is_residual(layer, self.model.encoder_residual_from) else forward
            states.append(state)
        return outputs, states


class RecurrentDecoder:
    def __init__(self, model, weights):
        self.model, self.weights = model, weights
        self.cell = CELLS[model.decoder_type]

    def start(self, memory):
        """The parts of each layer's state; with coverage the sums of the weights [1, heads, time]; with input feeding
        the attentional hidden state."""
        state = []
        for layer in range(self.model.decoder_layers):
            # Decoder layers beyond the number of encoder layers start from the last encoder layer, and a part that the
            # encoder lacks starts from its first part.
            source = memory.states[min(layer, len(memory.states) - 1)]
            for number, part in enumerate(self.cell.parts):
                state.append(self._bridge(layer, part, source[number] if number < len(source) else source[0]))
        if self.model.coverage:
            state.append(memory.outputs.new_zeros(1, self.model.heads, len(memory.outputs)))
        if self.model.input_feeding:
            state.append(memory.outputs.new_zeros(1, self.model.decoder_size))
        return tuple(state)

    def step(self, embedded, state, memory):
        outputs, following, _, _ = self._step(embedded, state, memory)
        return outputs, following

    def outputs(self, embedded, memory):
        state = self.start(memory)
        if self.model.input_feeding or self.model.coverage or self.model.attention == "bahdanau":
            rows, overlaps, attention = [], [0.0], []
            for row in embedded.split(1):
                output, state, overlap, weights = self._step(row, state, memory)
                rows.append(output)
                overlaps.append(overlap.sum())
                attention.append(weights)
            return torch.cat(rows), self.model.coverage_loss * sum(overlaps), mean_of_heads(attention)
        inputs = embedded
        for layer in range(self.model.decoder_layers):
            outputs, _ = self.cell.run(self.weights, f"decoder.layers.{layer}", inputs, self._layer(state, layer))
            inputs = outputs + inputs if is_residual(layer, self.model.decoder_residual_from) else outputs
        outputs, weights = self._attend(inputs, memory)
        return outputs, 0.0, mean_of_heads([weights])

    def _step(self, embedded, state, memory):
        """Outputs [rows, hidden], the new state, the overlap [rows] of the attention with earlier steps, and the
        attention weights [rows, heads, time]."""
        model = self.model
        if model.attention == "bahdanau":
            coverage = state[-1] if model.coverage else None
            context, weights = self._context("concat", state[0], memory, coverage)
        following, inputs = [], embedded
        for layer in range(model.decoder_layers):
            extended = inputs
            if model.input_feeding and layer == 0:
                extended = torch.cat([inputs, state[-1]], 1)
            if model.attention == "bahdanau" and (layer == 0 or model.context_layers == "all"):
                extended = torch.cat([inputs, context], 1)
            after = self.cell.step(self.weights, f"decoder.layers.{layer}", extended, self._layer(state, layer))
            following += after
            inputs = after[0] + inputs if is_residual(layer, model.decoder_residual_from) else after[0]
        coverage = state[len(following)] if model.coverage else None
        if model.attention == "bahdanau":
            joined = torch.cat([context, inputs, embedded], 1)
            outputs = torch.tanh(joined @ self.weights["attention.outputKernel"])
        else:
            outputs, weights = self._attend(inputs, memory, coverage)
        overlap = outputs.new_zeros(len(outputs))
        if model.coverage:
            overlap = torch.minimum(weights, coverage).sum(2).mean(1)
            following.append(coverage + weights)
        if model.input_feeding:
            following.append(outputs)
        return outputs, tuple(following), overlap, weights

    def _layer(self, state, layer):
        count = len(self.cell.parts)
        return state[count * layer : count * (layer + 1)]

    def _bridge(self, layer, part, values):
        if self.model.bridge == "copy":
            return values
        if self.model.bridge == "zero":
            return values.new_zeros(1, self.model.decoder_size)
        name = f"bridge.layers.{layer}.{part}"
        return torch.tanh(values @ self.weights[f"{name}.kernel"] + self.weights[f"{name}.bias"])

    def _attend(self, queries, memory, coverage=None):
        """tanh(W [context; query]) for each query [rows, hidden] (Luong et al. 2015, section 3.1), and the weights."""
        if self.model.attention == "none":
            return queries, None
        context, weights = self._context(self.model.attention, queries, memory, coverage)
        return torch.tanh(torch.cat([context, queries], 1) @ self.weights["attention.outputKernel"]), weights

    def _context(self, kind, queries, memory, coverage):
        """The context of each query [rows, hidden] and the weights [rows, heads, time], one head after the other."""
        weights, heads = self.weights, self.model.heads
        keys = memory.outputs if kind == "dot" else memory.outputs @ weights["attention.keyKernel"]
        values = memory.outputs if heads == 1 else memory.outputs @ weights["attention.valueKernel"]
        projected = queries @ weights["attention.queryKernel"] if kind == "concat" or heads > 1 else queries
        size = keys.shape[1] // heads
        contexts, shares = [], []
        for head in range(heads):
            own = slice(head * size, (head + 1) * size)
            if kind == "concat":
                sums = projected[:, None, own] + keys[None, :, own]
                if coverage is not None:
                    sums = sums + coverage[:, head, :, None] * weights["attention.coverageVector"][own]
                scores = torch.tanh(sums) @ weights["attention.scoreVector"][own]
            else:
                scores = projected[:, own] @ keys[:, own].T
                if kind == "scaled":
                    scores = scores * weights["attention.scale"]
            shares.append(torch.softmax(scores, 1))
            contexts.append(shares[-1] @ (values if heads == 1 else values[:, own]))
        return torch.cat(contexts, 1), torch.stack(shares, 1)
