#!/usr/bin/env python3
"""The benchmark of `s2s bench` in Marian (pymarian): models of equal size, the same workload and JSON output.

    python3.11 -m venv .venv-pymarian && .venv-pymarian/bin/pip install pymarian==1.12.42
    .venv-pymarian/bin/python bench/peer_pymarian.py --model transformer
    .venv-pymarian/bin/python bench/peer_pymarian.py --decode --beam-size 5

Models, with the sizes of bench/peer_pytorch.py:
  lstm         embedding 256; LSTMs of 352 units: a bidirectional encoder layer, and a conditional decoder of two cells
               with additive attention between them (Sennrich et al. 2017) and a deep output of 256. Marian has one size
               for all LSTMs; with 352 the model has 0.6 % fewer parameters than that of s2s. 360 would be 1.2 % more.
  transformer  the layers and sizes of s2s; the position vectors have slightly other frequencies

Training: updates of 64 sentence pairs of 25 + 25 tokens (24 random words and </s>), dropout 0.1 (in `lstm` inside the
LSTMs, where s2s has it on embeddings and outputs), label smoothing 0.1, clipping at norm 1 and Adam. MKL has one thread
in this wheel, so each update is divided among as many workers as there are processors (--cpu-threads, --sync-sgd);
independent workers were not faster. Reports the median time between the log lines of updates.

--decode: random sentences with the lengths of `s2s bench --decode`, with random weights. Marian ends a batch when its
translations are as long as its longest source, so each batch has sentences of one length, </s> is banned by its output
bias, and each translation is as long as its source, which is checked. One process per processor translates batches, the
longest first. Loading is not timed.

Peak memory: that of the training process, or the sum of the decoding processes.
"""

import ast
import json
import math
import multiprocessing
import os
import random
import re
import resource
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version

# Programs that run this script look for an import error, which should occur even with --help.
import pymarian

from workload import (
    CLIP_NORM, DROPOUT, LABEL_SMOOTHING, LEARNING_RATE, SOURCE_TIME, TARGET_TIME, VOCABULARY, decoding_lengths,
    parse_workload, workload_parser,
)

MODELS = {
    "lstm": {
        "type": "s2s", "enc-cell": "lstm", "dec-cell": "lstm", "dim-emb": 256, "dim-rnn": 352, "dropout-rnn": DROPOUT,
    },
    "transformer": {
        "type": "transformer", "dim-emb": 512, "enc-depth": 3, "dec-depth": 3, "transformer-heads": 8,
        "transformer-dim-ffn": 2048, "transformer-ffn-activation": "relu", "transformer-dropout": DROPOUT,
        # Normalisation before the sublayers and after the last one.
        "transformer-preprocess": "n", "transformer-postprocess": "da", "transformer-postprocess-top": "n",
    },
}
DIFFERENCES = {
    "lstm": "equal parameters, not equal graphs: the decoder is a conditional cell, two LSTM cells with MLP attention",
    "transformer": "equal layers and sizes; the position vectors have slightly other frequencies",
}
OUTPUT_BIASES = ["decoder_ff_logit_l2_b", "decoder_ff_logit_out_b"]
EOS, FIRST_WORD = 0, 2
BATCH_SENTENCES = 64
PROCESSORS = len(os.sched_getaffinity(0))


def write_corpus(folder, sentences):
    """Writes random sentence pairs of the training lengths and the vocabulary, and returns the options for them."""
    generator = random.Random(1)
    vocabulary, *texts = (os.path.join(folder, name) for name in ("vocabulary.yml", "source.txt", "target.txt"))
    with open(vocabulary, "w") as file:
        file.write(f"</s>: {EOS}\n<unk>: 1\n")
        file.writelines(f"w{number}: {number}\n" for number in range(FIRST_WORD, VOCABULARY))
    for text, tokens in zip(texts, [SOURCE_TIME, TARGET_TIME]):
        with open(text, "w") as file:
            file.writelines(random_sentence(tokens, generator) + "\n" for _ in range(sentences))
    return {"train-sets": texts, "vocabs": [vocabulary, vocabulary]}


def random_sentence(length, generator):
    """Words for a sentence of `length` tokens: Marian adds </s>."""
    return " ".join(f"w{generator.randrange(FIRST_WORD, VOCABULARY)}" for _ in range(length - 1))


def train(model, folder, batch, updates, workers):
    """Trains a model, saves it and returns its path and the seconds of each update, the first with start-up."""
    # Marian reads ahead, and must not come to the end of the corpus.
    options = write_corpus(folder, (updates + 4) * batch)
    path = os.path.join(folder, "model.npz")
    options.update(MODELS[model])
    options.update({
        "model": path, "seed": 1, "cpu-threads": workers, "sync-sgd": True, "mini-batch": batch,
        "mini-batch-round-up": False, "maxi-batch": 1, "maxi-batch-sort": "none", "shuffle": "none", "tempdir": folder,
        "cost-type": "ce-mean-words", "label-smoothing": LABEL_SMOOTHING, "clip-norm": CLIP_NORM, "optimizer": "adam",
        "learn-rate": LEARNING_RATE, "after": f"{updates}u", "disp-freq": "1u",
    })
    command = [sys.executable, "-m", "pymarian", "train", *pymarian.utils.kwargs_to_cli(**options).split()]
    seconds, lines, sentences = [], [], 0
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    previous = time.perf_counter()
    for line in process.stderr:
        now = time.perf_counter()
        lines.append(line)
        update = re.search(r" Up\. \d+ : Sen\. ([\d,]+) ", line)
        if update is None:
            continue
        seconds.append(now - previous)
        previous = now
        sentences = int(update[1].replace(",", ""))
    if process.wait() != 0:
        sys.exit(f"error: pymarian train failed with exit code {process.returncode}:\n{''.join(lines[-20:])}")
    if len(seconds) != updates or sentences != updates * batch:
        done, expected = f"{sentences} pairs in {len(seconds)} updates", f"{updates * batch} in {updates}"
        sys.exit(f"error: pymarian trained {done}, not {expected}")
    return path, seconds


def arrays_of(path):
    """Name, shape, file content and offset of the data of each array of an .npz file of version 1."""
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            content = archive.read(name)
            start = 10 + struct.unpack("<H", content[8:10])[0]
            yield name.removesuffix(".npy"), ast.literal_eval(content[10:start].decode())["shape"], content, start


def count_parameters(path):
    return sum(math.prod(shape) for name, shape, _, _ in arrays_of(path) if not name.startswith("special:"))


def write_without_eos(path, result):
    """Copies a model and bans </s> by its output bias."""
    with zipfile.ZipFile(result, "w") as archive:
        for name, _, content, start in arrays_of(path):
            if name in OUTPUT_BIASES:
                first = start + 4 * EOS
                content = content[:first] + struct.pack("<f", -1e9) + content[first + 4 :]
            archive.writestr(f"{name}.npy", content)


def batches_of(sentences):
    """Batches of sentences of one length, in parts of almost equal size, the longest first."""
    by_length = {}
    for sentence in sentences:
        by_length.setdefault(len(sentence.split()), []).append(sentence)
    for _, group in sorted(by_length.items(), reverse=True):
        parts = math.ceil(len(group) / BATCH_SENTENCES)
        yield from (group[part::parts] for part in range(parts))


def load(barrier, options):
    """Loads the translator of a process."""
    global translator, all_processes
    translator, all_processes = pymarian.Translator(**options), barrier


def translate(batch):
    """The number of tokens of each translation, which must be that of its source."""
    lengths = [len(line.split()) for line in translator.translate(batch)]
    expected = [len(line.split()) + 1 for line in batch]
    if lengths != expected:
        raise ValueError(f"translations of {lengths} tokens instead of {expected}")
    return sum(lengths)


def peak_of_process(_):
    """Peak memory in kilobytes. Waits until all processes are in this function, so that each has one call."""
    all_processes.wait()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def decode(model, vocabulary, args):
    """Returns the seconds of each timed pass over the sentences, tokens and sentences per pass and peak memory."""
    generator = random.Random(1)
    sentences = [random_sentence(length, generator) for length in decoding_lengths(args)]
    batches = list(batches_of(sentences))
    options = {
        "models": model, "vocabs": [vocabulary, vocabulary], "cpu-threads": 1, "beam-size": args.beam_size,
        "max-length-factor": 1, "mini-batch": BATCH_SENTENCES, "quiet": "",
    }
    # Marian has threads, so its processes must not be forks.
    context = multiprocessing.get_context("spawn")
    seconds = []
    with ProcessPoolExecutor(PROCESSORS, context, load, (context.Barrier(PROCESSORS), options)) as pool:
        # Returns after all processes have loaded the model.
        list(pool.map(peak_of_process, range(PROCESSORS)))
        for step in range(args.warmup + args.steps):
            start = time.perf_counter()
            tokens = sum(pool.map(translate, batches))
            if step >= args.warmup:
                seconds.append(time.perf_counter() - start)
        kilobytes = sum(pool.map(peak_of_process, range(PROCESSORS)))
    assert tokens == sum(len(sentence.split()) + 1 for sentence in sentences)
    return seconds, tokens, len(sentences), kilobytes


def instruction_set():
    """What Marian's own code was compiled for, by its build options."""
    command = [sys.executable, "-m", "pymarian", "--build-info", "all"]
    printed = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
    options = dict(line.split("=", 1) for line in printed.splitlines() if "=" in line)
    enabled = [name for name in ("SSE4_2", "AVX", "AVX2", "AVX512") if options.get(f"COMPILE_{name}") == "ON"]
    return f"-march={options.get('BUILD_ARCH', 'unknown')} with {enabled[-1] if enabled else 'unknown extensions'}"


def main():
    parser = workload_parser(__doc__, [*MODELS], ["float32"])
    parser.add_argument("--device", choices=["cpu"], default="cpu")
    parser.add_argument("--beam-size", type=int, default=1, help="with --decode; 1 is greedy search")
    args = parse_workload(parser)

    report = dict(system=f"Marian {version('pymarian')}", model=args.model, dtype=args.dtype, device=args.device)
    with tempfile.TemporaryDirectory() as folder:
        if args.decode:
            model, _ = train(args.model, folder, 1, 1, 1)
            report.update(parameters=count_parameters(model))
            banned = os.path.join(folder, "banned.npz")
            write_without_eos(model, banned)
            seconds, tokens, sentences, kilobytes = decode(banned, os.path.join(folder, "vocabulary.yml"), args)
            median = statistics.median(seconds)
            report.update(beam_size=args.beam_size, sentences=sentences)
            report.update(sentences_per_second=sentences / median, target_tokens_per_second=tokens / median)
        else:
            updates, workers = args.warmup + args.steps, min(PROCESSORS, args.batch)
            model, seconds = train(args.model, folder, args.batch, updates, workers)
            kilobytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
            median = statistics.median(seconds[args.warmup :])
            report.update(parameters=count_parameters(model), seconds_per_step=median)
            report.update(target_tokens_per_second=args.batch * TARGET_TIME / median)
    report.update(peak_resident_megabytes=round(kilobytes * 1024 / 1e6))
    report.update(note=f"Marian's code is built for {instruction_set()}, MKL chooses its kernels when it runs; "
                       f"{DIFFERENCES[args.model]}; {PROCESSORS} workers of one thread")
    print(json.dumps(report))


if __name__ == "__main__":
    main()
