"""
A table of sensors
==================

Logs come as one long table: a row for each moment, the number of the recording beside it. This is
how to get from there to a classifier, and how to test it on people that it has not seen.
"""

# %%
# The file
# --------
#
# Ten people did seven exercises with a watch on the wrist (Burns et al. 2018); a recording here has
# 128 moments at 50 Hz, of acceleration (``a``) and rotation (``r``). The table is written here, so
# that the example finds it.
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from example_data import fetch_watch_recordings
from sklearn.metrics import ConfusionMatrixDisplay

from sklearn_lstm import LSTMSequenceClassifier
from sklearn_lstm.io import save

folder = Path(tempfile.mkdtemp())
SENSORS = ["ax", "ay", "az", "rx", "ry", "rz"]
windows, exercises, people = fetch_watch_recordings()
number, step = np.divmod(np.arange(len(windows) * 128), 128)
long = pd.DataFrame(windows.reshape(-1, 6), columns=SENSORS)
long = long.assign(recording=number, step=step, exercise=exercises[number], person=people[number])
long.to_csv(folder / "watch.csv", index=False)

table = pd.read_csv(folder / "watch.csv")
print(table.sample(4, random_state=0))

# %%
# A recording is a data frame
# ---------------------------
#
# ``groupby`` cuts the table; the recordings may differ in length. Person and exercise are the same
# in all rows of a recording, so the first row tells them.
recordings = table.sort_values("step").groupby("recording")
X = [rows[SENSORS] for _, rows in recordings]
facts = recordings[["exercise", "person"]].first()

# %%
# New people
# ----------
#
# Three people are for the test. ``groups`` holds out whole people in ``fit`` too; without it the
# model would be tuned on people that it knows. ``linear_model="alone"`` takes
# seconds; the network adds about a point here.
is_test = facts["person"].isin([8, 9, 10])
X_train = [rows for rows, held in zip(X, is_test, strict=True) if not held]
X_test = [rows for rows, held in zip(X, is_test, strict=True) if held]
training, test = facts[~is_test], facts[is_test]
classifier = LSTMSequenceClassifier(linear_model="alone", random_state=0)
classifier.fit(X_train, training["exercise"], groups=training["person"])
test = test.assign(predicted=classifier.predict(X_test))
print((test["predicted"] == test["exercise"]).groupby(test["person"]).mean().round(3))
save(classifier, folder / "exercises.safetensors")

# %%
# What is mistaken for what
# -------------------------
#
# The matrix counts the recordings of the test people. FEL and ABD lift the arm, forwards and
# sideways. On the right are the sensors of the recording whose probability was the most wrong.
probabilities = classifier.predict_proba(X_test).max(axis=1)
is_wrong = (test["predicted"] != test["exercise"]).to_numpy()
worst = np.argmax(probabilities * is_wrong)
done, predicted = test.iloc[worst][["exercise", "predicted"]]

figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.6), layout="constrained")
ConfusionMatrixDisplay.from_predictions(
    test["exercise"], test["predicted"], ax=left, colorbar=False, cmap="Blues"
)
left.set_title(f"three people, {is_wrong.mean():.0%} wrong")
for sensors, style in ((SENSORS[:3], "-"), (SENSORS[3:], "--")):
    right.plot(np.arange(128) / 50, X_test[worst][sensors], style, label=sensors)
right.set_title(f"{done}, read as {predicted} with {probabilities[worst]:.0%}")
right.set(xlabel="seconds", ylabel="acceleration (solid), rotation (dashed)")
right.legend(ncols=2)
plt.show()
