"""Recurrent encoders and decoders in PyTorch, one sentence at a time. See network.py for the interfaces.

References: LSTM, Hochreiter and Schmidhuber 1997 with the forget gate of Gers et al. 2000; GRU, Cho et al. 2014 in the
form of torch.nn.GRU; attention after the recurrence and input feeding, Luong et al. 2015.
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


class RecurrentEncoder:
    def __init__(self, model, weights):
        self.model, self.weights = model, weights
        self.cell = CELLS[model.encoder_type]

    def __call__(self, embedded):
        outputs, states = embedded, []
        for layer in range(self.model.encoder_layers):
            name = f"encoder.layers.{layer}"
            forward, state = self.cell.run(self.weights, f"{name}.forward", outputs)
            if self.model.bidirectional:
                backward, final = self.cell.run(self.weights, f"{name}.backward", outputs.flip(0))
                forward = torch.cat([forward, backward.flip(0)], 1)
                state = tuple(torch.cat(parts, 1) for parts in zip(state, final))
            outputs = forward
            states.append(state)
        return outputs, states


class RecurrentDecoder:
    def __init__(self, model, weights):
        self.model, self.weights = model, weights
        self.cell = CELLS[model.decoder_type]

    def start(self, memory):
        """The parts of each layer's state, then (with input feeding) the attentional hidden state."""
        state = []
        for layer in range(self.model.decoder_layers):
            # Decoder layers beyond the number of encoder layers start from the last encoder layer, and a part that the
            # encoder lacks starts from its first part.
            source = memory.states[min(layer, len(memory.states) - 1)]
            for number, part in enumerate(self.cell.parts):
                state.append(self._bridge(layer, part, source[number] if number < len(source) else source[0]))
        if self.model.input_feeding:
            state.append(memory.outputs.new_zeros(1, self.model.decoder_size))
        return tuple(state)

    def step(self, embedded, state, memory):
        following = []
        inputs = torch.cat([embedded, state[-1]], 1) if self.model.input_feeding else embedded
        for layer in range(self.model.decoder_layers):
            after = self.cell.step(self.weights, f"decoder.layers.{layer}", inputs, self._layer(state, layer))
            following += after
            inputs = after[0]
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
            inputs, _ = self.cell.run(self.weights, f"decoder.layers.{layer}", inputs, self._layer(state, layer))
        return self._attend(inputs, memory)

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
