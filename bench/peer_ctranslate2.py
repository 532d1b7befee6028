#!/usr/bin/env python3
"""Translates with CTranslate2 and the weights of a model that s2s trained, with the JSON output of `s2s bench`.

    npx s2s tokenize --model runs/de-en val.de > val.tokens
    python3 bench/peer_ctranslate2.py --decode --model runs/de-en --source val.tokens --beam-size 5

The best checkpoint of the run directory is written in Marian's layout (marian_npz.py), which CTranslate2 converts. The
model must be a Transformer; the message names a setting that cannot be converted. What is equal to s2s:

- the tokenised sentences; both programs add </s> to the source
- beam size, length penalty and batches of at most `decoding.batchTokens` source tokens, sorted by length
- the number of threads: all processors that this process may use
- float32
- the mean log-probability of the best hypotheses, </s> included, and the hypotheses, which --output writes: they show
  that both programs did the same work

What differs: s2s limits the length of each translation by that of its source, CTranslate2 that of all translations
(here the limit of the longest source). s2s never generates <pad>, <unk> and <s>; CTranslate2 may, because it would
renormalise probabilities without them. s2s always computes log-probabilities; in greedy search, CTranslate2 computes
them only in an additional pass that is not timed.
"""

import argparse
import json
import math
import os
import resource
import statistics
import sys
import tempfile
import time

import ctranslate2
from ctranslate2.converters.marian import MarianConverter, load_vocab

from marian_npz import Unsupported, load_run, write_marian
from workload import sentences_in


class Converter(MarianConverter):
    """Converts a model whose decoder starts from the embedding of <s>, not from zero."""

    def _load(self):
        specification = super()._load()
        specification.decoder.start_from_zero_embedding = False
        return specification


def convert(run, folder):
    """Writes the model into `folder` and returns the folder of the converted one."""
    model, vocabularies = write_marian(run, folder)
    for path, tokens in zip(vocabularies, [run.source_tokens, run.target_tokens]):
        if load_vocab(path) != tokens:
            raise Unsupported("the vocabulary has tokens that the converter of CTranslate2 reads in another way")
    return Converter(model, vocabularies).convert(os.path.join(folder, "converted"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--decode", action="store_true", help="translate; training is not possible")
    parser.add_argument("--model", required=True, help="run directory of a trained Transformer")
    parser.add_argument("--source", help="text to translate, tokenised by s2s tokenize")
    parser.add_argument("--beam-size", type=int, default=1, help="1 is greedy search")
    parser.add_argument("--dtype", choices=["float32"], default="float32")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--steps", type=int, default=3, help="timed passes over the sentences")
    parser.add_argument("--warmup", type=int, default=1, help="passes before the timed ones")
    parser.add_argument("--output", help="file for the best hypotheses, tokenised")
    args = parser.parse_args()
    if not args.decode:
        parser.error("CTranslate2 only translates: --decode is required")
    if not os.path.exists(os.path.join(args.model, "config.yaml")):
        parser.error(f"--model must be the run directory of a trained Transformer, but is {args.model}")
    if args.source is None:
        parser.error("--source is required: a text tokenised by s2s tokenize")
    sentences = sentences_in(args.source)
    try:
        run = load_run(args.model)
        with tempfile.TemporaryDirectory() as folder:
            translator = ctranslate2.Translator(
                convert(run, folder),
                device=args.device,
                compute_type=args.dtype,
                inter_threads=1,
                intra_threads=len(os.sched_getaffinity(0)),
            )
    except Unsupported as reason:
        sys.exit(f"error: CTranslate2 cannot run this model: {reason}")

    decoding = run.config["decoding"]
    longest = max(map(len, sentences)) + 1
    penalty = decoding["lengthPenalty"]
    options = dict(
        beam_size=args.beam_size,
        length_penalty=penalty,
        max_batch_size=decoding["batchTokens"],
        batch_type="tokens",
        max_input_length=0,
        # By default, the first token cannot be </s>, and its log-probability is that without </s>.
        min_decoding_length=0,
        max_decoding_length=math.floor(decoding["maxLengthRatio"] * longest) + decoding["maxLengthMargin"],
    )
    seconds = []
    for step in range(args.warmup + args.steps):
        start = time.perf_counter()
        translator.translate_batch(sentences, **options)
        if step >= args.warmup:
            seconds.append(time.perf_counter() - start)
    results = translator.translate_batch(sentences, return_scores=True, return_end_token=True, **options)
    hypotheses = [result.hypotheses[0] for result in results]
    log_probabilities = [result.scores[0] * len(result.hypotheses[0]) ** penalty for result in results]
    if args.output is not None:
        with open(args.output, "w", encoding="utf-8", newline="\n") as file:
            file.writelines(" ".join(t for t in tokens if t != "</s>") + "\n" for tokens in hypotheses)

    median = statistics.median(seconds)
    report = {
        "system": f"CTranslate2 {ctranslate2.__version__}",
        "model": args.model,
        "dtype": args.dtype,
        "device": args.device,
        "parameters": sum(tensor.size for tensor in run.weights.values()),
        "beam_size": args.beam_size,
        "sentences": len(sentences),
        "sentences_per_second": len(sentences) / median,
        "target_tokens_per_second": sum(map(len, hypotheses)) / median,
        "mean_log_probability": statistics.fmean(log_probabilities),
        "peak_resident_megabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
