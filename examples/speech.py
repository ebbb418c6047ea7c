"""Who speaks? Nine speakers say two vowels, in 7 to 29 frames of 12 LPC cepstrum coefficients.

Recordings of unequal length are given as they are, a list of arrays (n_frames, n_channels).
"""

from example_data import read_series, report

from sklearn_lstm import LSTMSequenceClassifier

X_train, y_train, X_test, y_test = read_series("JapaneseVowels")
lengths = [len(recording) for recording in X_train]
print(f"{len(X_train)} recordings of {min(lengths)} to {max(lengths)} frames")

model = LSTMSequenceClassifier(random_state=0).fit(X_train, y_train)
report(model, X_test, y_test)
print(f"trained for {model.n_epochs_} epochs, last loss {model.history_[-1]['train_loss']:.3f}")
