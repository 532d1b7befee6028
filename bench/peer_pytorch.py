#!/usr/bin/env python3
"""The benchmark of `s2s bench` in PyTorch: the same models, workload and JSON output.

    python3 bench/peer_pytorch.py --model lstm-deep --dtype bfloat16 --device cpu
    python3 bench/peer_pytorch.py --decode

Training: one batch of random ids, 64 sentence pairs of 25 source and 25 target tokens, vocabularies of 8,000 tokens.
A step is forward pass, label-smoothed cross-entropy (0.1), backward pass, gradient clipping at norm 1 and Adam. Reports
the median of the timed steps.
  lstm       embedding 256, encoder with 1 bidirectional layer of 256 units per direction, decoder with 1 layer of 512,
             attention `general` (Luong et al. 2015)
  lstm-deep  embedding 512, encoder and decoder with 2 layers of 512 each, attention `dot`
  gru        `lstm` with gated recurrent units
  transformer  embedding 512, 3 + 3 layers with 8 heads and feed-forward networks of 2,048, normalisation before the
             sublayers, sinusoidal positions; dropout only on embeddings and residual connections; training only
The recurrent models have dropout 0.1, separate embeddings, an attentional hidden state of 512, a zero initial decoder
state, and no input feeding. `--dtype bfloat16` uses torch.autocast. PyTorch's LSTM has two biases where that of s2s has
one, so its parameter count is slightly larger; the GRUs of both have two.

--decode: greedy search over synthetic sentences of 5 to 30 tokens, or with the sentence lengths of --source, in batches
of similar length and at most 4,096 source tokens, like those of s2s. Every sentence is decoded to the length of its
source. Batches are sorted by falling length, so finished sentences are dropped by slicing, without copies. PyTorch does
less work than s2s in two respects: the encoder does not mask padding, and log-probabilities of the greedy tokens are
not computed.
"""

import json
import math
import random
import resource
import statistics
import time

import torch
import torch.nn.functional as F
from torch import nn

from workload import (
    CLIP_NORM, DROPOUT, LABEL_SMOOTHING, LEARNING_RATE, SOURCE_TIME, TARGET_TIME, VOCABULARY, decoding_lengths,
    parse_workload, workload_parser,
)

PAD, BOS, EOS = 0, 2, 3
BATCH_TOKENS = 4096

SHALLOW = dict(embedding=256, encoder_layers=1, bidirectional=True, decoder_layers=1, general=True)
MODELS = {
    "lstm": dict(cell=nn.LSTM, **SHALLOW),
    "lstm-deep": dict(
        cell=nn.LSTM, embedding=512, encoder_layers=2, bidirectional=False, decoder_layers=2, general=False
    ),
    "gru": dict(cell=nn.GRU, **SHALLOW),
}
HIDDEN = 512
TRANSFORMER_LAYERS, HEADS, FEED_FORWARD = 3, 8, 2048


class Translator(nn.Module):
    """Recurrent encoder and decoder with attention; all sequences are time-major: [time, batch, ...]."""

    def __init__(self, cell, embedding, encoder_layers, bidirectional, decoder_layers, general):
        super().__init__()
        self.source_embedding = nn.Embedding(VOCABULARY, embedding)
        self.target_embedding = nn.Embedding(VOCABULARY, embedding)
        per_direction = HIDDEN // 2 if bidirectional else HIDDEN
        encoder_dropout, decoder_dropout = (DROPOUT if layers > 1 else 0 for layers in (encoder_layers, decoder_layers))
        self.encoder = cell(
            embedding, per_direction, encoder_layers, bidirectional=bidirectional, dropout=encoder_dropout
        )
        self.decoder = cell(embedding, HIDDEN, decoder_layers, dropout=decoder_dropout)
        self.key_projection = nn.Linear(HIDDEN, HIDDEN, bias=False) if general else nn.Identity()
        self.attentional = nn.Linear(2 * HIDDEN, HIDDEN, bias=False)
        self.projection = nn.Linear(HIDDEN, VOCABULARY)
        self.dropout = nn.Dropout(DROPOUT)

    def encode(self, source):
        """[time, batch] to attention values [batch, time, HIDDEN] and transposed keys [batch, HIDDEN, time]."""
        outputs, _ = self.encoder(self.dropout(self.source_embedding(source)))
        values = outputs.transpose(0, 1)
        return values, self.key_projection(values).transpose(1, 2)

    def attend(self, queries, values, keys, bias=None):
        """Decoder states [batch, queries, HIDDEN] to attentional hidden states; `bias` is added to the scores."""
        scores = torch.matmul(queries, keys)
        weights = torch.softmax(scores if bias is None else scores + bias, dim=-1)
        context = torch.matmul(weights.to(values.dtype), values)
        return torch.tanh(self.attentional(torch.cat([context, queries], dim=-1)))

    def forward(self, source, target):
        """Teacher forcing: logits [batch, time, VOCABULARY]."""
        values, keys = self.encode(source)
        queries, _ = self.decoder(self.dropout(self.target_embedding(target)))
        return self.projection(self.dropout(self.attend(queries.transpose(0, 1), values, keys)))


class TransformerTranslator(nn.Module):
    """torch.nn.Transformer with normalisation before the sublayers (pre-norm) and a final norm on each side."""

    def __init__(self):
        super().__init__()
        self.source_embedding = nn.Embedding(VOCABULARY, HIDDEN)
        self.target_embedding = nn.Embedding(VOCABULARY, HIDDEN)
        self.transformer = nn.Transformer(
            HIDDEN, HEADS, TRANSFORMER_LAYERS, TRANSFORMER_LAYERS, FEED_FORWARD, DROPOUT, batch_first=True,
            norm_first=True,
        )
        for layer in [*self.transformer.encoder.layers, *self.transformer.decoder.layers]:
            # Those of s2s's benchmark model drop only the outputs of sublayers.
            layer.dropout.p = layer.self_attn.dropout = 0.0
            if hasattr(layer, "multihead_attn"):
                layer.multihead_attn.dropout = 0.0
        self.projection = nn.Linear(HIDDEN, VOCABULARY)
        self.dropout = nn.Dropout(DROPOUT)
        time = torch.arange(max(SOURCE_TIME, TARGET_TIME))[:, None]
        angles = time / 10000 ** (torch.arange(0, HIDDEN, 2) / HIDDEN)
        self.register_buffer("positions", torch.cat([angles.sin(), angles.cos()], 1), persistent=False)
        self.register_buffer("future", nn.Transformer.generate_square_subsequent_mask(TARGET_TIME), persistent=False)

    def embed(self, table, ids):
        ids = ids.transpose(0, 1)
        return self.dropout(table(ids) * math.sqrt(HIDDEN) + self.positions[: ids.shape[1]])

    def forward(self, source, target):
        """Teacher forcing: logits [batch, time, VOCABULARY]."""
        outputs = self.transformer(
            self.embed(self.source_embedding, source), self.embed(self.target_embedding, target), tgt_mask=self.future,
            tgt_is_causal=True,
        )
        return self.projection(outputs)


def train(model, device, dtype, args):
    """Returns the seconds of each timed step."""
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, fused=device.type == "cuda")
    source = torch.randint(EOS + 1, VOCABULARY, (SOURCE_TIME, args.batch), device=device)
    target = torch.randint(EOS + 1, VOCABULARY, (TARGET_TIME, args.batch), device=device)
    labels = torch.randint(EOS + 1, VOCABULARY, (args.batch * TARGET_TIME,), device=device)
    seconds = []
    for step in range(args.warmup + args.steps):
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=dtype == "bfloat16"):
            logits = model(source, target)
        loss = F.cross_entropy(logits.reshape(-1, VOCABULARY).float(), labels, label_smoothing=LABEL_SMOOTHING)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), CLIP_NORM)
        optimizer.step()
        # Synchronises with the device.
        loss.item()
        if step >= args.warmup:
            seconds.append(time.perf_counter() - start)
    return seconds


def batches_of(sources):
    """Batches of at most BATCH_TOKENS, padding included, the longest sentences first."""
    batches, batch = [], []
    for source in sorted(sources, key=len, reverse=True):
        if batch and (len(batch) + 1) * len(batch[0]) > BATCH_TOKENS:
            batches.append(batch)
            batch = []
        batch.append(source)
    return batches + [batch]


def first_rows(state, rows):
    """The first rows of the state of an LSTM (hidden and cell) or of a GRU (hidden)."""
    if isinstance(state, tuple):
        return tuple(first_rows(part, rows) for part in state)
    return state[:, :rows].contiguous()


def translate_batch(model, batch, device):
    """Greedy translations of a batch sorted by falling length, each as long as its source."""
    lengths = [len(source) for source in batch]
    longest = lengths[0]
    source = torch.tensor([ids + [PAD] * (longest - len(ids)) for ids in batch], device=device).t().contiguous()
    values, keys = model.encode(source)
    bias = torch.zeros(len(batch), 1, longest, device=device)
    for row, length in enumerate(lengths):
        bias[row, 0, length:] = -1e9
    previous = torch.full((len(batch),), BOS, device=device)
    state, live, steps = None, len(batch), []
    for step in range(longest):
        while lengths[live - 1] <= step:
            live -= 1
        if live < len(previous):
            previous, values, keys, bias = previous[:live], values[:live], keys[:live], bias[:live]
            state = first_rows(state, live)
        output, state = model.decoder(model.target_embedding(previous).unsqueeze(0), state)
        logits = model.projection(model.attend(output.transpose(0, 1), values, keys, bias))
        previous = logits.squeeze(1).argmax(-1)
        steps.append(previous)
    translations = [[] for _ in batch]
    for tokens in steps:
        for row, token in enumerate(tokens.tolist()):
            translations[row].append(token)
    return translations


def decode(model, device, dtype, args):
    """Returns the seconds of each timed pass over the sentences, and the tokens and sentences per pass."""
    model.eval()
    generator = random.Random(1)
    lengths = decoding_lengths(args)
    sources = [[generator.randrange(EOS + 1, VOCABULARY) for _ in range(length - 1)] + [EOS] for length in lengths]
    # Like s2s: special tokens are never generated, and no sentence ends early.
    model.projection.bias.data[: EOS + 1] = -1e9
    seconds = []
    with torch.no_grad(), torch.autocast(device.type, dtype=torch.bfloat16, enabled=dtype == "bfloat16"):
        for step in range(args.warmup + args.steps):
            start = time.perf_counter()
            translations = []
            for batch in batches_of(sources):
                translations += translate_batch(model, batch, device)
            if step >= args.warmup:
                seconds.append(time.perf_counter() - start)
    tokens = sum(map(len, sources))
    assert sum(map(len, translations)) == tokens
    return seconds, tokens, len(sources)


def main():
    parser = workload_parser(__doc__, [*MODELS, "transformer"], ["float32", "bfloat16"])
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--beam-size", type=int, choices=[1], default=1, help="greedy search only")
    args = parse_workload(parser)
    if args.decode and args.model == "transformer":
        parser.error("--decode measures the recurrent models only")

    torch.manual_seed(1)
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    device = torch.device(args.device)
    is_transformer = args.model == "transformer"
    model = (TransformerTranslator() if is_transformer else Translator(**MODELS[args.model])).to(device)
    report = {
        "system": f"PyTorch {torch.__version__}",
        "model": args.model,
        "dtype": args.dtype,
        "device": str(device),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
    }
    if args.decode:
        seconds, tokens, sentences = decode(model, device, args.dtype, args)
        median = statistics.median(seconds)
        report.update(beam_size=1, sentences=sentences)
        report.update(sentences_per_second=sentences / median, target_tokens_per_second=tokens / median)
    else:
        median = statistics.median(train(model, device, args.dtype, args))
        report.update(seconds_per_step=median, target_tokens_per_second=args.batch * TARGET_TIME / median)
    report.update(peak_resident_megabytes=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
