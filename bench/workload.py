"""The workload of `s2s bench`, for the programs that it is compared with (peer_*.py)."""

import argparse
import gzip
import math

# Training: tokens per sentence and vocabulary sizes, and settings of the model and the update.
SOURCE_TIME, TARGET_TIME, VOCABULARY = 25, 25, 8000
DROPOUT, LABEL_SMOOTHING, CLIP_NORM, LEARNING_RATE = 0.1, 0.1, 1.0, 1e-3


def workload_parser(description, models, dtypes):
    """A parser of the options that all programs have. Use `parse_workload`, which sets the defaults."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=models, default="lstm")
    parser.add_argument("--dtype", choices=dtypes, default="float32")
    parser.add_argument("--steps", type=int, help="timed training steps (10), or passes over the sentences (3)")
    parser.add_argument("--warmup", type=int, help="warm-up steps (3) or passes (1)")
    parser.add_argument("--batch", type=int, default=64, help="sentence pairs per training step")
    parser.add_argument("--decode", action="store_true", help="translate instead of training")
    parser.add_argument("--sentences", type=int, default=512, help="number of sentences to translate")
    parser.add_argument("--source", help="tokenised text that determines the sentence lengths")
    return parser


def parse_workload(parser):
    args = parser.parse_args()
    args.steps = args.steps or (3 if args.decode else 10)
    args.warmup = (1 if args.decode else 3) if args.warmup is None else args.warmup
    return args


def decoding_lengths(args):
    """The lengths of the sentences to translate, </s> included."""
    if args.source is None:
        return sentence_lengths(args.sentences)
    return [len(sentence) + 1 for sentence in sentences_in(args.source)]


def sentence_lengths(sentences):
    """Lengths as in src/benchmark: quantiles of a Weibull distribution, clipped to 5 to 30 tokens."""
    quantiles = (16 * (-math.log(1 - (index + 0.5) / sentences)) ** (1 / 2.2) for index in range(sentences))
    return [min(30, max(5, math.floor(quantile + 0.5))) for quantile in quantiles]


def sentences_in(file):
    """The sentences of a tokenised text, as lists of tokens; blank lines are skipped."""
    opened = gzip.open if file.endswith(".gz") else open
    # Split at spaces and line feeds only, because other white space may be a token.
    with opened(file, "rt", encoding="utf-8", newline="\n") as lines:
        sentences = [[token for token in line.rstrip("\n").split(" ") if token] for line in lines]
    return [sentence for sentence in sentences if sentence]
