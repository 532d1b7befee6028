"""Reference implementation in PyTorch for test/parity.

    python reference.py REQUEST.json FOLDER

REQUEST.json lists cases: a model configuration, a safetensors file with its weights (as in a checkpoint) and non-zero
optimizer moments, settings of training and search, and batches of sentence pairs as token ids (without special tokens).
For every batch, FOLDER/expected.safetensors has the log-probabilities and (one sentence after the other) the attention
weights at all target positions, the gradient of every parameter and its change by one update, named
CASE/BATCH/KIND/..., and FOLDER/expected.json has loss and translations.

All computation is in double precision, sentence by sentence. See network.py for the networks and search.py for beam
search.
"""

import json
import math
import sys
from pathlib import Path

import torch

from network import EOS, build
from search import translate
from tensor_files import read_tensors, write_tensors

MOMENTS = ("firstMoment", "secondMoment")


def sentence_losses(network, pair, label_smoothing):
    """Loss and plain cross-entropy of a pair, summed over its target tokens, log-probabilities and attention.

    The loss is the smoothed cross-entropy and the auxiliary losses. The target distribution of the smoothed one is
    `1 - smoothing` on the label plus `smoothing / vocabulary` on every token (Szegedy et al. 2016, section 7).
    """
    log_probabilities, auxiliary_loss, attention = network.teacher_forcing(pair["source"], pair["target"])
    labels = torch.tensor([*pair["target"], EOS])
    plain = -log_probabilities.gather(1, labels[:, None]).sum()
    spread = -log_probabilities.mean(1).sum()
    smoothed = (1 - label_smoothing) * plain + label_smoothing * spread
    return smoothed + auxiliary_loss, plain, log_probabilities, attention


def updated(weights, gradients, moments, training):
    """Weights after one update, and the norm of the gradients before clipping.

    Gradients are clipped by their global norm (Pascanu et al. 2013). Adam (Kingma and Ba 2015) follows the last
    paragraph of section 2, where epsilon is added to the root of the moment before bias correction; AdamW
    (Loshchilov and Hutter 2019).
    """
    optimizer, step = training["optimizer"], training["update"]
    beta1, beta2, rate = optimizer["beta1"], optimizer["beta2"], optimizer["learningRate"]
    norm = math.sqrt(sum(float((gradient**2).sum()) for gradient in gradients.values()))
    limit = training["clipNorm"]
    factor = limit / norm if 0 < limit < norm else 1.0
    corrected_rate = rate * math.sqrt(1 - beta2**step) / (1 - beta1**step)
    result = {}
    for name, before in weights.items():
        gradient = factor * gradients[name]
        first = beta1 * moments.get(f"firstMoment.{name}", 0) + (1 - beta1) * gradient
        second = beta2 * moments.get(f"secondMoment.{name}", 0) + (1 - beta2) * gradient**2
        decay = rate * optimizer["weightDecay"] if optimizer["name"] == "adamw" else 0.0
        result[name] = (1 - decay) * before - corrected_rate * first / (second.sqrt() + optimizer["epsilon"])
    return result, norm


def compute_batch(case, network, weights, moments, batch):
    """Numbers for expected.json, and tensors for expected.safetensors."""
    training, pairs = case["training"], batch["pairs"]
    for tensor in weights.values():
        tensor.grad = None
    results = [sentence_losses(network, pair, training["labelSmoothing"]) for pair in pairs]
    tokens = sum(len(pair["target"]) + 1 for pair in pairs)
    divisor = tokens if training["lossNormalization"] == "token" else len(pairs)
    loss = sum(smoothed for smoothed, *_ in results) / divisor
    loss.backward()
    # A parameter that the loss does not depend on has no gradient.
    gradients = {name: 0 * tensor.detach() if tensor.grad is None else tensor.grad for name, tensor in weights.items()}
    with torch.no_grad():
        after, norm = updated(weights, gradients, moments, training)
    numbers = {
        "loss": loss.item(),
        "negativeLogLikelihood": sum(plain.item() for _, plain, *_ in results),
        "gradientNorm": norm,
        "searches": [
            [describe_translations(network, pair["source"], options) for pair in pairs[: batch["translate"]]]
            for options in case["searches"]
        ],
    }
    tensors = {"logProbabilities": torch.cat([log_probabilities for *_, log_probabilities, _ in results])}
    weights_of_pairs = [attention.flatten() for *_, attention in results if attention is not None]
    if weights_of_pairs:
        tensors["attention"] = torch.cat(weights_of_pairs)
    for name, gradient in gradients.items():
        tensors[f"gradient/{name}"] = gradient
        tensors[f"change/{name}"] = after[name] - weights[name]
    return numbers, tensors


def describe_translations(network, source, options):
    hypotheses, margin = translate(network, source, options)
    # JSON has no infinity.
    return {"margin": min(margin, 1e9), "hypotheses": [describe(hypothesis) for hypothesis in hypotheses]}


def describe(hypothesis):
    return {
        "tokens": hypothesis.tokens,
        "score": hypothesis.score,
        "logProbability": hypothesis.log_probability,
        "finished": hypothesis.finished,
    }


def main(request_path, folder):
    torch.set_num_threads(1)
    request = json.loads(Path(request_path).read_text())
    numbers, tensors = [], {}
    for case_number, case in enumerate(request["cases"]):
        file = Path(request_path).parent / case["weights"]
        stored = {name: tensor.double() for name, tensor in read_tensors(file).items()}
        moments = {name: tensor for name, tensor in stored.items() if name.startswith(MOMENTS)}
        weights = {name: tensor.requires_grad_() for name, tensor in stored.items() if name not in moments}
        network = build(case["model"], weights)
        numbers.append([])
        for batch_number, batch in enumerate(case["batches"]):
            found, arrays = compute_batch(case, network, weights, moments, batch)
            numbers[-1].append(found)
            tensors.update({f"{case_number}/{batch_number}/{name}": array for name, array in arrays.items()})
    write_tensors(Path(folder) / "expected.safetensors", tensors)
    (Path(folder) / "expected.json").write_text(json.dumps({"torch": torch.__version__, "cases": numbers}))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
