"""Beam search for one sentence, as specified in the documentation of s2s.

- A step extends every live hypothesis by every token that is not blocked, and ranks all extensions by log-probability.
  `<pad>`, `<unk>` and `<s>` are blocked, as is a token that would repeat an n-gram of `noRepeatNgramSize` tokens.
- An extension that ends in `</s>` is finished if it is among the `beamSize` best. The `beamSize` best others stay live.
- The score is the log-probability divided by length to the power of `lengthPenalty`; the length includes `</s>`.
- The search stops with `beamSize` finished hypotheses, when no live one can reach a score among the `nBest` best, or at
  the maximum length: `maxLengthRatio` times the source length (including `</s>`) plus `maxLengthMargin`.
- If fewer than `nBest` are finished, the best live ones are appended.
"""

import math
from dataclasses import dataclass

import torch

from network import BOS, EOS


@dataclass
class Hypothesis:
    tokens: list
    log_probability: float
    score: float
    finished: bool


def translate(network, source, options):
    """Returns the `nBest` best translations of a sentence, and the margin of the result.

    The margin is the smallest difference between two log-probabilities or scores that a decision depended on. An
    implementation whose numbers differ by less than half of it must return the same translations.
    """
    with torch.no_grad():
        return _search(network, source, options)


def _search(network, source, options):
    beam, best_count = options["beamSize"], options["nBest"]
    longest = max(1, math.floor(options["maxLengthRatio"] * (len(source) + 1)) + options["maxLengthMargin"])

    def score(log_probability, length):
        return log_probability / length ** options["lengthPenalty"]

    memory = network.encode(source)
    state = network.decoder.start(memory)
    live, complete, margin = [([], 0.0)], [], math.inf
    for length in range(1, longest + 1):
        previous = [tokens[-1] if tokens else BOS for tokens, _ in live]
        log_probabilities, state = network.step(previous, state, memory)
        candidates = [
            (before + value, parent, token)
            for parent, (tokens, before) in enumerate(live)
            for token, value in enumerate(log_probabilities[parent].tolist())
            if token >= EOS and not _repeats(tokens, token, options.get("noRepeatNgramSize", 0))
        ]
        # The sort is stable: ties are broken by the rank of the hypothesis, then by the lower id.
        candidates.sort(key=lambda candidate: -candidate[0])
        margin = min(margin, _step_margin(candidates, beam))
        complete += [
            Hypothesis(live[parent][0], total, score(total, length), True)
            for total, parent, token in candidates[:beam]
            if token == EOS
        ]
        kept = [candidate for candidate in candidates if candidate[2] != EOS][:beam]
        if not kept and not complete:
            length -= 1
            break
        live = [([*live[parent][0], token], total) for total, parent, token in kept]
        state = tuple(tensor[[parent for _, parent, _ in kept]] for tensor in state)
        complete.sort(key=lambda hypothesis: -hypothesis.score)
        if not live or len(complete) >= beam:
            break
        if len(complete) >= best_count:
            # Log-probabilities only decrease, and the maximum length has the largest divisor.
            bound = score(live[0][1], longest)
            if length < longest:
                margin = min(margin, abs(complete[best_count - 1].score - bound))
            if complete[best_count - 1].score >= bound:
                break
    unfinished = [Hypothesis(tokens, total, score(total, max(1, length)), False) for tokens, total in live]
    missing = max(0, best_count - len(complete))
    margin = min(margin, _order_margin(complete[: best_count + 1]))
    if missing:
        margin = min(margin, _order_margin(unfinished[: missing + 1]))
    return complete[:best_count] + unfinished[:missing], margin


def _order_margin(ranked):
    """The smallest difference between adjacent scores."""
    return min((better.score - worse.score for better, worse in zip(ranked, ranked[1:])), default=math.inf)


def _repeats(tokens, token, size):
    """Whether appending `token` would repeat an n-gram of `size` tokens."""
    if size == 0:
        return False
    sequence = [*tokens, token][-size:]
    return any(tokens[start : start + size] == sequence for start in range(len(tokens) - size + 1))


def _step_margin(candidates, beam):
    """The margin of the decisions of a step: which hypotheses are finished, and which stay live."""
    totals = [total for total, _, _ in candidates]
    gaps = [math.inf]
    for rank, (total, _, token) in enumerate(candidates):
        if token == EOS and len(candidates) > beam:
            gaps.append(total - totals[beam] if rank < beam else totals[beam - 1] - total)
    others = [total for total, _, token in candidates if token != EOS]
    if len(others) > beam:
        gaps.append(others[beam - 1] - others[beam])
    return min(gaps)
