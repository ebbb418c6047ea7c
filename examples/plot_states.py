"""
Logs and protocols: what happened last
======================================

Is the door open? Whose turn is it? Which bracket is still open? A small machine remembers it: each
event moves it from state to state. Counts of words or pairs can't tell it, and a network learns it
only with luck. So the classifier tries thousands of small machines, and a linear model reads the
states of those that tell the class. This takes some seconds, without a network.
"""

# %%
# A protocol
# ----------
# A mail server answers commands: 250 is yes, 354 asks for the text of the mail, 503 means that a
# command came at the wrong time. Which answer comes depends on what was said before (RFC 5321):
# ``RCPT`` needs a ``MAIL`` before it, ``DATA`` a ``RCPT``; ``HELO`` and ``RSET`` begin anew. The
# classifier sees commands, and the answer to the last one. It is not told the rules.
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from example_data import load_brackets
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import GroupShuffleSplit
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.svm import LinearSVC

from sklearn_lstm import LSTMSequenceClassifier, TextSequenceVectorizer
from sklearn_lstm.inspection import explain, explain_classes

RULES = {  # state and command -> next state; all else is answered by 503
    "new": {"HELO": "ready", "NOOP": "new"},
    "ready": {"HELO": "ready", "NOOP": "ready", "RSET": "ready", "MAIL": "sender"},
    "sender": {"HELO": "ready", "NOOP": "sender", "RSET": "ready", "RCPT": "receiver"},
    "receiver": {
        "HELO": "ready",
        "NOOP": "receiver",
        "RSET": "ready",
        "RCPT": "receiver",
        "DATA": "ready",
    },
}
COMMANDS = ["HELO", "MAIL", "RCPT", "DATA", "RSET", "NOOP"]


def session(rng: np.random.Generator) -> tuple[str, str]:
    """Return 4 to 30 commands, and the answer to the last one."""
    commands, state, answer = rng.choice(COMMANDS, rng.integers(4, 31)), "new", ""
    for command in commands:
        next_state = RULES[state].get(command)
        answer = "503" if next_state is None else "354" if command == "DATA" else "250"
        state = next_state or state
    return " ".join(commands), answer


def compared(
    texts: np.ndarray,
    classes: np.ndarray,
    train: np.ndarray | slice,
    test: np.ndarray | slice,
    **vectorizer: object,
) -> Pipeline:
    """Print how accurate a plain model and one with states are; return the second."""
    tf_idf = TfidfVectorizer(ngram_range=(1, 4), sublinear_tf=True, **vectorizer)
    analyzer = vectorizer.get("analyzer", "word")
    ours = make_pipeline(
        TextSequenceVectorizer(analyzer=analyzer),
        LSTMSequenceClassifier(linear_model="alone", random_state=0),
    )
    for name, model in {"TF-IDF": make_pipeline(tf_idf, LinearSVC()), "states": ours}.items():
        start = perf_counter()
        model.fit(texts[train], classes[train])
        seconds = perf_counter() - start
        print(f"{name}: {model.score(texts[test], classes[test]):.1%}, fit {seconds:.1f} s")
    return model


rng = np.random.default_rng(0)
sessions, answers = map(np.array, zip(*(session(rng) for _ in range(3000)), strict=True))
print(sessions[0], "->", answers[0])
model = compared(sessions, answers, slice(2000), slice(2000, None))

# %%
# ``print`` says in words what the machines remember: after which commands they are in a state, and
# which commands leave it.
print(model[-1])

# %%
# An explanation gives what a state adds to the command that is read, or that led to it. A bar of
# the picture is the mean over the 1,000 sessions of the test; behind each name stand the mean over
# the sessions that have it, and their number.
print(*explain(model, sessions[-2:]), sep="\n")
figure, ax = plt.subplots(figsize=(9, 4.6), layout="constrained")
explain_classes(model, sessions[2000:]).plot("503", ax=ax)
ax.get_legend().remove()  # it would lie on a bar
figure.legend(loc="outside lower right")
plt.show()

# %%
# Source code
# -----------
# Which bracket closes what is open? These are the closing brackets of Python's own standard
# library, each with the 120 characters before it. A file is either for training or for the test.
codes, brackets, files = map(np.array, load_brackets())
train, test = next(GroupShuffleSplit(1, random_state=0).split(codes, groups=files))
model = compared(codes, brackets, train, test, analyzer="char", lowercase=False)
print(model[-1])

# %%
# States are looked for in sequences of few different tokens: characters, events, commands, symbols.
# Where they tell nothing beyond chance, there is no such model, and the search costs a second.
