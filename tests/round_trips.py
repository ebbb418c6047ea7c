"""Ways to store an estimator: (estimator, an empty folder) -> the one that comes back."""

import copy
import pickle

import joblib
import skops.io
from small_encoder import SmallEncoder

from sklearn_lstm.io import load, save


def through_pickle(model, _, protocol=pickle.DEFAULT_PROTOCOL):
    return pickle.loads(pickle.dumps(model, protocol))


def through_old_pickle(model, folder):
    return through_pickle(model, folder, protocol=2)


def through_joblib(model, folder, mmap_mode=None, **options):
    joblib.dump(model, folder / "model.joblib", **options)
    return joblib.load(folder / "model.joblib", mmap_mode=mmap_mode)


def through_compressed_joblib(model, folder):
    return through_joblib(model, folder, compress=3)


def through_memory_map(model, folder):
    return through_joblib(model, folder, mmap_mode="r")


def through_skops(model, folder=None):  # noqa: ARG001 - as the others
    data = skops.io.dumps(model)
    return skops.io.loads(data, trusted=skops.io.get_untrusted_types(data=data))


def through_file(model, folder):
    save(model, folder / "model.safetensors")
    return load(folder / "model.safetensors", encoder=SmallEncoder())


ROUND_TRIPS = {
    "file": through_file,
    "pickle": through_pickle,
    "pickle protocol 2": through_old_pickle,
    "joblib": through_joblib,
    "joblib compressed": through_compressed_joblib,
    "joblib memory-mapped": through_memory_map,
    "skops": through_skops,
    "deepcopy": lambda model, _: copy.deepcopy(model),
    "copy": lambda model, _: copy.copy(model),
}
