"""
Speech: from sound to digits
============================

The classifier does not read the wave of a sound directly. The sound is cut into short frames, and
each frame becomes a few numbers. The first part makes such frames from a tone, step by step. The
second part recognises spoken digits, and the third part who speaks.

The digits are from the Free Spoken Digit Dataset (Jackson et al., 2018), the vowels from Kudo,
Toyama and Shimbo (1999).
"""

# %%
# From sound to frames
# --------------------
#
# The sound is a tone that rises, with an overtone: one second at 8,000 samples per second. A few
# lines make its mel-frequency cepstral coefficients: the spectrum of each frame, averaged in bands
# that are wider for higher tones, as the ear hears them; its logarithm; and a cosine transform,
# which tells the coarse shape of the spectrum in a few numbers.

import matplotlib.pyplot as plt
import numpy as np
from comparing import compare, measure
from example_data import fetch_japanese_vowels, fetch_spoken_digits
from matplotlib.ticker import PercentFormatter
from scipy.fft import dct
from scipy.signal import ShortTimeFFT, chirp
from scipy.signal.windows import hann
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_lstm import LSTMSequenceClassifier

rate, n_bands, n_coefficients = 8000, 26, 13
time = np.arange(rate) / rate
sound = chirp(time, 200, 1, 1200) + 0.5 * chirp(time, 600, 1, 3600)

transform = ShortTimeFFT(hann(256), hop=128, fs=rate, mfft=512)
first, last = transform.lower_border_end[1], transform.upper_border_begin(len(sound))[1]
power = np.abs(transform.stft(sound, p0=first, p1=last)) ** 2  # (n_frequencies, n_frames)
mel = np.linspace(0, 2595 * np.log10(1 + rate / 2 / 700), n_bands + 2)
edges = 700 * (10 ** (mel / 2595) - 1)[:, np.newaxis]  # in hertz
rising = (transform.f - edges[:-2]) / (edges[1:-1] - edges[:-2])
falling = (edges[2:] - transform.f) / (edges[2:] - edges[1:-1])
bands = np.log(np.clip(np.minimum(rising, falling), 0, None) @ power + 1e-6)
frames = dct(bands, axis=0, norm="ortho")[:n_coefficients].T  # (n_frames, 13)
print(f"{len(sound):,} samples became {len(frames)} frames of {frames.shape[1]} numbers")

# %%
# The array ``frames`` is one sequence: its steps are frames, its channels are coefficients.

figure, axes = plt.subplots(3, 1, figsize=(7, 7), layout="constrained")
axes[0].plot(time[:800], sound[:800], linewidth=1)
axes[0].set(
    xlabel="time in seconds",
    ylabel="sound pressure",
    title=f"The first tenth of the sound, which has {len(sound):,} numbers",
)
for ax, image, label, title in (
    (axes[1], bands, "mel band", "Energy in bands (logarithm)"),
    (axes[2], frames.T, "coefficient", f"The frames: {frames.size} numbers"),
):
    ax.imshow(image, origin="lower", aspect="auto")
    ax.set(xlabel="frame (every 16 milliseconds)", ylabel=label, title=title)
plt.show()

# %%
# Spoken digits
# -------------
#
# Six people say the digits 0 to 9. A recording has 6 to 92 frames, and the recordings are passed as
# a list of arrays of shape (n_frames, 13). The data do not say who spoke, so the split is at
# random, and the people in the test part were also heard in training. The question is how many
# recordings are needed. The plain model sees statistics of each recording: it does not know what
# came first.


def statistics(X: list[np.ndarray]) -> np.ndarray:
    """Return mean, deviation and extremes of each channel, of shape (n_samples, n_features)."""
    return np.array(
        [np.hstack([x.mean(axis=0), x.std(axis=0), x.min(axis=0), x.max(axis=0)]) for x in X]
    )


def lstm() -> LSTMSequenceClassifier:
    """Return the sequence classifier with its default parameters."""
    return LSTMSequenceClassifier(random_state=0)


plain = make_pipeline(FunctionTransformer(statistics), ExtraTreesClassifier(500, random_state=0))
recordings, digits = fetch_spoken_digits()
X_test, y_test = recordings[2400:], digits[2400:]
sizes = [100, 300, 800]
accuracies = {"LSTM": [], "statistics, extra trees": []}
for size in sizes:
    models = {"LSTM": lstm(), "statistics, extra trees": plain}
    results = measure(models, recordings[:size], digits[:size], X_test, y_test)
    for name, (accuracy, _) in results.items():
        accuracies[name].append(accuracy)
listener = models["LSTM"]

# %%
# How much of a word has to be heard? The model of 800 recordings predicts from the first tenths of
# each word.

tenths = np.arange(1, 11)
early = [
    listener.score([x[: int(np.ceil(n / 10 * len(x)))] for x in X_test], y_test) for n in tenths
]
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), sharey=True, layout="constrained")
right.plot(10 * tenths, early, "o-")
for (name, values), marker in zip(accuracies.items(), "os", strict=True):
    left.plot(sizes, values, marker + "-", label=name)
left.yaxis.set_major_formatter(PercentFormatter(1))
left.set(
    xscale="log",
    xlabel="recordings to train on",
    ylabel="accuracy",
    title=f"{accuracies['LSTM'][0]:.0%} with {sizes[0]} recordings, "
    f"{accuracies['LSTM'][-1]:.1%} with {sizes[-1]}",
)
left.set_xticks(sizes, [str(size) for size in sizes])
left.minorticks_off()
left.legend(loc="lower right")
right.set(xlabel="part of the word that is heard, in %", xlim=(0, None))
right.set(title=f"{early[4]:.0%} after half of the word")
plt.show()

# %%
# Who speaks?
# -----------
#
# Nine people say two vowels in Japanese. A recording has 7 to 29 frames of 12 coefficients. This is
# the official split: 270 recordings for training, 370 for the test.

X_train, y_train, X_test, y_test = fetch_japanese_vowels()
compare({"LSTM": lstm(), "statistics, extra trees": plain}, X_train, y_train, X_test, y_test)

# %%
# When to use which
# -----------------
#
# A vowel sounds much the same from its beginning to its end, so statistics tell nearly as well who
# speaks, and the forest needs a second. In a word the order of the sounds matters: there the LSTM
# is ahead.
