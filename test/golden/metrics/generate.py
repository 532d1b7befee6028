"""Writes golden.json: texts and their scores by sacreBLEU.

Tool: sacrebleu 2.6.0 (Python 3.11), installed with: pip install 'sacrebleu==2.6.*'
Command: python test/golden/metrics/generate.py (about five minutes)

The texts are written for this test or sampled from the small grammar below with a fixed seed.
"""

import json
import logging
import random
import sys
from pathlib import Path

import sacrebleu
from sacrebleu.metrics import BLEU, CHRF, TER

logging.disable(logging.WARNING)
random.seed(20240917)

# Each entry is a hypothesis and three references, with unusual characters, markup, numbers and scripts.
ODD = [
    ("", "", "", ""),
    ("", "Something stands here.", "Something is here.", ""),
    ("Nothing was expected.", "", "", ""),
    ("   ", "Blank on one side.", "   ", "\t"),
    ("word", "word", "words", "world"),
    ("a b c", "a b c", "a b c d", "c b a"),
    (
        "The price is 1,000.50 dollars.",
        "The price is $1,000.50.",
        "It costs 1,000.5 dollars.",
        "It costs 1.000,50 dollars.",
    ),
    (
        "He said: &quot;Fish &amp; chips&quot; &lt;b&gt;now&lt;/b&gt;.",
        'He said: "Fish & chips" <b>now</b>.',
        '"Fish & chips", he said.',
        "He said &amp;quot;fish&amp;quot;.",
    ),
    ("<skipped>The text goes on.", "The text goes on.", "The <skipped> text goes on", "The text went on."),
    (
        "A well-known 10-year-old state-of-the-art 3-4-5 method.",
        "A well known 10 year old, state of the art 3-4-5 method.",
        "A well-known ten-year-old state-of-the-art method.",
        "The known method - old, but good.",
    ),
    ("Version 2.0, not 1.9.", "Version 2.0 , not 1.9 .", "Version 2, not 1.9", "Not 1.9 but 2.0."),
    ("It was 1990.", "It was in 1990.", "1990.", "It was 1990 ."),
    (
        "What?! (Really...) [no] {yes} #1 @home 50% ~x ^y |z| \\w/ `q` a*b+c=d;e:f",
        "What?! Really? no, yes, no. 1, at home, 50 %, a*b+c=d",
        "What ? ! ( Really ... ) [ no ] { yes } # 1 @ home",
        "a * b + c = d ; e : f",
    ),
    (
        "Don't do what the dog's owner can't.",
        "Do not do what the dog's owner cannot.",
        "Don't do what the dogs' owner can't!",
        "Don 't do what the dog 's owner can 't .",
    ),
    (
        "Le café était fermé ; l’été, on s’ennuie.",
        "Le café était fermé\u202f; l'été, on s'ennuie.",
        "Le cafe\u0301 e\u0301tait ferme\u0301.",
        "« Le café » était fermé…",
    ),
    (
        "Straße ÜBER İstanbul ΟΔΟΣ Σ",
        "Strasse über istanbul οδος σ",
        "STRASSE ÜBER i̇stanbul οδος ς",
        "straße über istanbul οδοσ",
    ),
    (
        "今天天气很好，我们去公园散步吧。",
        "今天天气真好，我们去公园走走吧。",
        "天气很好。我们去公园散步。",
        "今天天氣很好，我們去公園散步吧！",
    ),
    ("これはペンです。「はい」、そうです！", "これはペンです。", "あれは、ペンでした。", "コレハペンデス・ソウデス"),
    ("ひらがな", "ひらがなだけ", "カタカナ", "ひら がな"),
    ("𠮷野家で𩸽を食べる㈱㍿ ﹏ 㐀", "吉野家で𩸽を食べる", "𠮷野家で魚を食べる㈱", "𠮷 野 家"),
    ("오늘은 날씨가 좋습니다.", "오늘 날씨가 좋네요.", "날씨가 좋습니다!", "오늘은 날씨가 좋다."),
    ("الطقس جميل اليوم، أليس كذلك؟", "الطقس جميل اليوم .", "اليوم الطقس جميل، أليس كذلك؟", "الطَّقْسُ جَمِيلٌ"),
    ("١٬٢٣٤٫٥ و ٣٫١٤ ½ ² Ⅷ 一、二", "١٢٣٤٫٥ و ٣٫١٤", "½ ² Ⅷ", "1,234.5 3.14"),
    ("שלום, עולם! מה שלומך?", "שלום עולם. מה נשמע?", "שלום, עולם!", "שָׁלוֹם עוֹלָם"),
    ("नमस्ते दुनिया। आप कैसे हैं?", "नमस्ते, दुनिया! आप कैसे हैं?", "दुनिया नमस्ते।", "आप कैसे हैं ?"),
    ("สวัสดีชาวโลก", "สวัสดี ชาวโลก", "ชาวโลกสวัสดี", "สวัสดีครับ"),
    ("I ❤️ this 😀😀👍🏽 👨‍👩‍👧 €5 £3 ¥2 ™ © → ∑", "I ❤ this 😀👍 👨‍👩‍👧 5€", "I love this 😀 😀 👍🏽", "♥ 😀"),
    (
        "zero\u200bwidth and\ufeffmark and\u00a0hard space",
        "zero width and mark and hard space",
        "zerowidth andmark and hard\u2003space",
        "\ufeffzero width",
    ),
    (
        "control\u001cgroup\u001dunit\u0085next\u2028line\u2029par\u3000wide",
        "control group unit next line par wide",
        "controlgroup unit",
        "a\u000bb\u000cc",
    ),
    ("trailing spaces   \t ", "trailing spaces", "  leading spaces", "trailing  \t  spaces"),
    ("The cat sat on the mat.", "On the mat sat the cat.", "The cat was sitting on the mat.", "A cat sat on a mat."),
    (
        "yesterday I went to the market with my sister",
        "with my sister I went to the market yesterday",
        "I went yesterday to the market with my sister",
        "my sister and I went to the market",
    ),
    ("a a a a a a a a a a", "a a a", "a b a b a b a b", "a"),
    ("the the the the", "the cat is on the mat", "there is a cat on the mat", "the"),
    ("f e d c b a", "a b c d e f", "f a e b d c", "a c e b d f"),
    ("g h i a b c d e f x", "a b c d e f g h i x", "d e f g h i a b c x", "x a b c d e f g h i"),
    ("(hi) \"there\" -- -x- .,; ' a' 'b !c! ?", "hi there", '(hi) "there"', "-- -x- .,; ' a' 'b !c! ?"),
    (
        "Tokenised text , as it should not be .",
        "Tokenised text, as it should not be.",
        "Tokenized text , as it should not be .",
        "Not tokenised.",
    ),
    ("sub@@ word pie@@ ces", "subword pieces", "▁sub word ▁pie ces", "sub words"),
    (
        "http://example.com/a?b=c&d=e#f user@example.com C:\\dir",
        "http://example.com/a?b=c&amp;d=e user@example.com",
        "example.com/a",
        "C:\\dir\\file",
    ),
    # Text for which tercom's normalisation is not idempotent.
    ("It costs ..2 or .,5 today", "It costs ..2 or .,5 today", "It costs ...2, or .5", "..2"),
    (
        "He wrote &amp;amp;lt; and &amp;amp;quot; here",
        "He wrote &amp;amp;lt; and &amp;amp;quot; here",
        "He wrote &amp;lt; and &quot; here",
        "&amp;amp;amp;lt;",
    ),
    ("the dog's's 's 's tail--5-6-.7", "the dog's's 's 's tail--5-6-.7", "dog's tail 5-6-.7", "'s 's"),
]

# Segments long enough, or different enough in length, to reach the beam and other limits of TER.
LETTERS = "a b c d e f g h i j k l m n o p q r s t u v w x y z".split()


def words(count, alphabet):
    return [random.choice(alphabet) for _ in range(count)]


def long_segments():
    segments = []
    for count in (12, 30, 60, 100):
        for alphabet in (LETTERS[:3], LETTERS[:8], LETTERS, [x + y for x in LETTERS for y in LETTERS]):
            reference = words(count, alphabet)
            rotated = reference[count // 3 :] + reference[: count // 3]
            other = words(count, alphabet)
            segments.append((" ".join(rotated), " ".join(reference), " ".join(other), " ".join(perturb(reference))))
            segments.append(
                (
                    " ".join(perturb(perturb(reference))),
                    " ".join(reference),
                    " ".join(rotated),
                    " ".join(reference[::-1]),
                )
            )
    many = words(160, LETTERS)
    segments.append(("a", " ".join(many), " ".join(many[:70]), "b"))
    segments.append((" ".join(many), "q", "", "q r s"))
    segments.append((" ".join(many[:3]), " ".join(many), " ".join(many[100:]), "a b c"))
    segments.append((" ".join(many + many), " ".join(many[80:] + many[:80]), " ".join(many[:40]), " ".join(many[120:])))
    return segments


SUBJECTS = [
    "the old man",
    "a young woman",
    "two children",
    "the black dog",
    "some people",
    "a man in a red shirt",
    "my neighbour",
    "three workers",
    "the girl with the blue hat",
    "nobody",
]
VERBS = "reads|carries|looks at|is holding|wants to buy|has lost|stands next to|throws|did not see|is cleaning".split(
    "|"
)
OBJECTS = [
    "a newspaper",
    "the large window",
    "his bicycle",
    "an orange ball",
    "1,250 tickets",
    "a cup of tea",
    "the neighbour's car",
    "24-hour shops",
    "it",
    "the well-known painting",
]
PLACES = [
    "on the street",
    "in front of the house",
    "at 10.30",
    "near the river",
    "while it is raining",
    "in the city centre",
    ", as always",
    "without a word",
]
ENDS = ["." for _ in range(8)] + ["!", "?", "", "..."]


def sentence():
    parts = [random.choice(SUBJECTS), random.choice(VERBS), random.choice(OBJECTS)]
    parts += random.sample(PLACES, random.choice((0, 1, 1, 2)))
    if random.random() < 0.15:
        parts += ["and", random.choice(SUBJECTS), random.choice(VERBS), random.choice(OBJECTS)]
    text = " ".join(parts).replace(" ,", ",")
    return text[0].upper() + text[1:] + random.choice(ENDS)


def perturb(tokens, rate=0.15):
    """Deletes, duplicates and replaces words, and shifts a few consecutive words."""
    tokens = list(tokens)
    result = []
    for token in tokens:
        chance = random.random()
        if chance < rate / 3:
            continue
        if chance < 2 * rate / 3:
            result.append(random.choice(tokens))
        else:
            result.append(token)
        if chance > 1 - rate / 3:
            result.append(token)
    if len(result) > 4:
        start = random.randrange(len(result) - 2)
        length = random.randint(1, 3)
        moved, rest = result[start : start + length], result[:start] + result[start + length :]
        place = random.randrange(len(rest) + 1)
        result = rest[:place] + moved + rest[place:]
    return result


def changed(text, rate=0.15):
    return " ".join(perturb(text.split(), rate))


def generated(count):
    texts = [sentence() for _ in range(count)]
    shuffled = []
    for text in texts:
        tokens = text.split()
        random.shuffle(tokens)
        shuffled.append(" ".join(tokens))
    return {
        "references": [texts, [changed(text, 0.3) for text in texts], [changed(text).lower() for text in texts]],
        "systems": {
            "same": list(texts),
            "good": [changed(text, 0.1) for text in texts],
            "poor": [changed(changed(changed(text, 0.5), 0.5), 0.5) for text in texts],
            "shuffled": shuffled,
            "upper": [text.upper() for text in texts],
            "short": [" ".join(text.split()[: random.choice((0, 1, 2, 4))]) for text in texts],
            "misaligned": texts[1:] + texts[:1],
        },
    }


def columns(rows):
    hypotheses, *references = [list(column) for column in zip(*rows)]
    return {"references": references, "systems": {"main": hypotheses}}


CORPORA = {"odd": columns(ODD), "long": columns(long_segments()), "generated": generated(60)}

BLEU_OPTIONS = [dict(tokenize=tokenize) for tokenize in ("13a", "intl", "char", "none")]
BLEU_OPTIONS += [dict(lowercase=True), dict(lowercase=True, tokenize="intl"), dict(effective_order=True)]
BLEU_OPTIONS += [dict(smooth_method=method) for method in ("none", "floor", "add-k", "exp")]
BLEU_OPTIONS += [
    dict(smooth_method=method, smooth_value=value) for method in ("floor", "add-k") for value in (0, 0.01, 0.125, 2.5)
]
BLEU_OPTIONS += [dict(max_ngram_order=order) for order in (1, 2, 6)]
BLEU_OPTIONS += [dict(tokenize="zh")]

CHRF_OPTIONS = [
    dict(),
    dict(word_order=1),
    dict(word_order=2),
    dict(char_order=1),
    dict(char_order=4, word_order=3),
    dict(char_order=0, word_order=2),
]
CHRF_OPTIONS += [
    dict(beta=1),
    dict(beta=3, word_order=2),
    dict(lowercase=True),
    dict(whitespace=True),
    dict(eps_smoothing=True),
    dict(eps_smoothing=True, word_order=2, whitespace=True),
]

TER_FLAGS = ("normalized", "no_punct", "asian_support", "case_sensitive")
TER_OPTIONS = [{flag: True for bit, flag in enumerate(TER_FLAGS) if number >> bit & 1} for number in range(16)]

# Sentence scores are computed with only a few settings.
SENTENCE_OPTIONS = [
    (
        BLEU,
        [
            dict(effective_order=True, smooth_method=method, tokenize=tokenize)
            for method, tokenize in (("exp", "13a"), ("none", "intl"), ("floor", "char"), ("add-k", "none"))
        ]
        + [dict(effective_order=False)],
    ),
    (CHRF, [dict(), dict(word_order=2), dict(word_order=2, eps_smoothing=True)]),
    (TER, [dict(), dict(normalized=True, asian_support=True), dict(no_punct=True, case_sensitive=True)]),
]


def is_slow(kind, corpus, options):
    """TER takes a minute for the long segments, which are letters and thus independent of the tokeniser."""
    return kind is TER and corpus == "long" and options != {}


def details(metric, score):
    signature = metric.get_signature().format()
    result = {"score": score.score, "signature": signature, "line": score.format(signature=signature)}
    if isinstance(metric, BLEU):
        result.update(
            counts=score.counts,
            totals=score.totals,
            precisions=score.precisions,
            bp=score.bp,
            lengths=[score.sys_len, score.ref_len],
        )
    elif isinstance(metric, TER):
        result.update(edits=score.num_edits, referenceLength=score.ref_length)
    return result


def main():
    corpus_scores = []
    sentence_scores = []
    for name, corpus in CORPORA.items():
        for system, hypotheses in corpus["systems"].items():
            for count in (1, 2, 3):
                references = corpus["references"][:count]
                for kind, all_options in ((BLEU, BLEU_OPTIONS), (CHRF, CHRF_OPTIONS), (TER, TER_OPTIONS)):
                    for options in all_options:
                        # With several references, only the first few settings are used.
                        if count > 1 and options not in all_options[:8] or is_slow(kind, name, options):
                            continue
                        metric = kind(**options)
                        score = metric.corpus_score(hypotheses, references)
                        corpus_scores.append(
                            {
                                "metric": kind.__name__,
                                "corpus": name,
                                "system": system,
                                "references": count,
                                "options": options,
                                **details(metric, score),
                            }
                        )
            if name == "generated" and system != "good":
                continue
            for kind, all_options in SENTENCE_OPTIONS:
                for options in all_options:
                    if is_slow(kind, name, options):
                        continue
                    for count in (1, 3):
                        metric = kind(**options)
                        scores = [
                            metric.sentence_score(hypothesis, list(references)).score
                            for hypothesis, *references in zip(hypotheses, *corpus["references"][:count])
                        ]
                        sentence_scores.append(
                            {
                                "metric": kind.__name__,
                                "corpus": name,
                                "system": system,
                                "references": count,
                                "options": options,
                                "scores": scores,
                            }
                        )
    golden = {
        "tool": f"sacrebleu {sacrebleu.__version__}, Python {sys.version.split()[0]}",
        "command": "python test/golden/metrics/generate.py",
        "corpora": CORPORA,
        "corpusScores": corpus_scores,
        "sentenceScores": sentence_scores,
    }
    path = Path(__file__).with_name("golden.json")
    path.write_text(format_golden(golden), encoding="utf-8")
    sentence_count = sum(len(entry["scores"]) for entry in sentence_scores)
    print(f"{len(corpus_scores)} corpus scores, {sentence_count} sentence scores, {path.stat().st_size} bytes")


def format_golden(golden):
    """Formats one result per line, for readable diffs."""
    dump = lambda value: json.dumps(value, ensure_ascii=True)
    parts = []
    for key, value in golden.items():
        if isinstance(value, list):
            parts.append(f"{dump(key)}: [\n" + ",\n".join(dump(entry) for entry in value) + "\n]")
        else:
            parts.append(f"{dump(key)}: {dump(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    main()
