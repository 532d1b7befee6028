"""The networks of s2s in PyTorch, one sentence at a time: no batches, no padding, no masks.

`build` creates a Network from a model configuration and the tensors of a checkpoint. A new architecture adds a class to
ENCODERS or DECODERS under its name in `model.encoder.type` or `model.decoder.type`:

    encoder(embedded [time, embedding]) -> outputs [time, size], states: for each layer a tuple of tensors [1, size]
    decoder.start(memory) -> state: a tuple of tensors [1, ...]; their first dimension is the hypothesis
    decoder.step(embedded [rows, embedding], state, memory) -> outputs [rows, hidden], state
    decoder.outputs(embedded [time, embedding], memory) -> outputs [time, hidden] of the whole target, the sum of the
        terms that the decoder adds to the loss, and the attention weights [time, source time], the mean of all heads
        (of the last layer); None without attention
"""

from dataclasses import dataclass
from types import SimpleNamespace

import torch

from recurrent import RecurrentDecoder, RecurrentEncoder
from transformer import TransformerDecoder, TransformerEncoder

PAD, UNK, BOS, EOS = 0, 1, 2, 3


def read_model(config):
    """Reads the settings of the network from `model` of a configuration. No other function depends on its keys."""
    encoder, decoder = config["encoder"], config["decoder"]
    return SimpleNamespace(
        encoder_type=encoder.get("type", "lstm"),
        encoder_layers=encoder["layers"],
        bidirectional=encoder.get("bidirectional"),
        encoder_residual_from=encoder.get("residualFrom"),
        decoder_type=decoder.get("type", "lstm"),
        decoder_layers=decoder["layers"],
        decoder_size=decoder["hiddenSize"],
        decoder_residual_from=decoder.get("residualFrom"),
        input_feeding=decoder.get("inputFeeding"),
        attention=decoder.get("attention"),
        heads=decoder.get("attentionHeads"),
        context_layers=decoder.get("contextLayers"),
        coverage=decoder.get("coverage"),
        coverage_loss=decoder.get("coverageLoss"),
        bridge=decoder.get("bridge"),
        share_embeddings=config["shareEmbeddings"],
        tie_target_embeddings=config["tieTargetEmbeddings"],
        config=config,
    )


@dataclass
class Memory:
    """The encoding of a source sentence for the decoder."""

    outputs: torch.Tensor  # [time, size]
    states: list  # of each encoder layer after the sentence: (hidden [1, size], cell [1, size]) of an LSTM


def transformer_encoder(model, weights):
    """It has no final state: the mean of its outputs takes the place of each part."""
    encode = TransformerEncoder(model.config, weights)

    def encoded(embedded):
        outputs = encode(embedded)
        mean = outputs.mean(0, keepdim=True)
        return outputs, [(mean, mean)]

    return encoded


def transformer_decoder(model, weights):
    return TransformerDecoder(model.config, weights)


ENCODERS = {"lstm": RecurrentEncoder, "gru": RecurrentEncoder, "transformer": transformer_encoder}
DECODERS = {"lstm": RecurrentDecoder, "gru": RecurrentDecoder, "transformer": transformer_decoder}


class Network:
    """Embeddings, encoder, decoder and output projection."""

    def __init__(self, encoder, decoder, source_embedding, target_embedding, output_kernel, output_bias):
        self.encoder, self.decoder = encoder, decoder
        self.source_embedding, self.target_embedding = source_embedding, target_embedding
        self.output_kernel, self.output_bias = output_kernel, output_bias

    def encode(self, source):
        """Encodes a source sentence (ids without `</s>`)."""
        return Memory(*self.encoder(self.source_embedding[torch.tensor([*source, EOS])]))

    def teacher_forcing(self, source, target):
        """Log-probabilities [len(target) + 1, vocabulary], what the decoder adds to the loss, and its attention."""
        embedded = self.target_embedding[torch.tensor([BOS, *target])]
        outputs, auxiliary_loss, attention = self.decoder.outputs(embedded, self.encode(source))
        return self._predict(outputs), auxiliary_loss, attention

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
