"""Steps of scikit-learn <-> archives of skops, and the classes that they may consist of.

skops checks the types in an archive, not the values. A forged value makes code read or write beyond
its memory where that follows it without a check. `SAFE` names the classes of which no value does
this, in `predict` and `transform`; further training is another matter. What is left out, and why:

- Compiled code follows sizes and indices: trees and their ensembles, `SVC` and its relatives,
  k-means, nearest neighbours, `NMF`, `LatentDirichletAllocation`, splines, `FeatureHasher` (which
  divides by its number of columns).
- SciPy follows the column numbers of sparse matrices: `CountVectorizer`, `TfidfVectorizer`,
  `DictVectorizer`, `OneHotEncoder` and `MultiLabelBinarizer`, which write such numbers, and every
  sparse matrix in an archive.
- SciPy does not compare the shape of the matrix of a Mahalanobis distance: `sklearn.covariance`.
- NumPy follows the position of a stored random state: `RandomState`, and what holds one.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from importlib import import_module
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import numpy as np
from numpy.lib import format as npy

from sklearn_lstm import ESTIMATORS
from sklearn_lstm.exceptions import ModelFileError
from sklearn_lstm.storing.stored_form import TRUST, from_text
from sklearn_lstm.storing.unpacking import take_memory, take_memory_for

EXTRA = "pip install safetensors skops"
SAFE = [  # modules and classes of scikit-learn
    # They compute with functions of NumPy and SciPy that compare shapes and check indices:
    *("_loss", "cross_decomposition", "discriminant_analysis", "dummy", "feature_selection"),
    *("impute", "isotonic", "kernel_approximation", "kernel_ridge", "linear_model", "mixture"),
    *("naive_bayes", "random_projection", "feature_extraction.text.TfidfTransformer"),
    *(f"decomposition._{name}" for name in ("factor_analysis", "fastica", "incremental_pca")),
    *(f"decomposition._{name}" for name in ("kernel_pca", "pca", "sparse_pca", "truncated_svd")),
    *(f"preprocessing._{name}" for name in ("data", "discretization", "function_transformer")),
    *(f"preprocessing._label.Label{name}" for name in ("Binarizer", "Encoder")),
    *("preprocessing._encoders.OrdinalEncoder", "preprocessing._target_encoder"),
    "preprocessing._polynomial.PolynomialFeatures",
    *("svm._classes.LinearSVC", "svm._classes.LinearSVR"),
    # They only call the estimators in them, which are checked too:
    *("calibration", "compose", "frozen", "multiclass", "multioutput", "pipeline"),
    *("ensemble._bagging", "ensemble._weight_boosting", "semi_supervised._self_training"),
    "model_selection._classification_threshold",
]
# The parts of skops that build plain data, arrays, functions, losses and estimators.
LOADERS = {
    *("JsonNode", "DictNode", "ListNode", "TupleNode", "SetNode", "SliceNode", "NdArrayNode"),
    *("DTypeNode", "TypeNode", "FunctionNode", "LossNode", "ObjectNode"),
}
TRUSTED = [  # beside what skops trusts itself
    *(f"{module}.{name}" for name, module in ESTIMATORS.items()),
    "numpy.dtype",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.feature_selection._univariate_selection.f_classif",
]


def to_archive(estimator: object) -> tuple[bytes, list[str]]:
    """Return the archive of an estimator, and the types in it that are not safe to load."""
    skops = import_extra("skops.io")
    archive = skops.dumps(estimator)
    untrusted = set(skops.get_untrusted_types(data=archive)) - set(TRUSTED)
    return archive, sorted(untrusted | _unsafe_types(archive))


def from_archive(archive: bytes) -> object:
    """Return the estimator in an archive, which is not compressed; `n_jobs` are None."""
    take_memory(8 * len(archive))
    if unsafe := _unsafe_types(archive):
        raise ModelFileError(
            f"holds {sorted(unsafe)}, not safe to load from files. Instead {TRUST}"
        )
    return _without_jobs(import_extra("skops.io").loads(archive, trusted=TRUSTED))


def _unsafe_types(archive: bytes) -> set[str]:
    """Return the types in an archive that are not safe to load, whatever skops says of them.

    Raises
    ------
    ValueError, RecursionError
        If the archive would take more memory than it seems to.
    """
    with ZipFile(BytesIO(archive)) as file:
        if sum(entry.file_size for entry in file.infolist()) > len(archive):
            raise ValueError("an archive that is larger than it seems")
        for name in set(file.namelist()) - {"schema.json"}:
            with file.open(name) as array:
                npy.read_magic(array)
                shape, _, dtype = npy.read_array_header_1_0(array)
            if math.prod(shape) * dtype.itemsize > len(archive):  # NumPy would take this memory
                raise ValueError(f"an array of shape {shape} in {len(archive):,} bytes")
        schema = file.read("schema.json")
    unsafe: set[str] = set()
    nodes: dict[Hashable, object] = {}  # by id
    names: dict[Hashable, object] = {}  # of files, to the id of the array

    def check(pairs: list[tuple[str, object]]) -> dict[str, object]:
        node = dict(pairs)
        if "__id__" not in node and "__loader__" not in node:
            return node
        loader, name = node["__loader__"], f"{node['__module__']}.{node['__class__']}"
        module = name.removeprefix("sklearn.")
        is_safe = module == name or any(f"{module}.".startswith(f"{safe}.") for safe in SAFE)
        if loader not in LOADERS or not is_safe:
            unsafe.add(name)
        # One object may come again, but with all that it consists of: a reference to it, of a few
        # bytes, may stand for billions of objects. So may many arrays in one file.
        key, file_name = node.pop("__id__", None), node.pop("file", None)
        is_same = nodes.setdefault(key, node) == node
        if key is None or not is_same or names.setdefault(file_name or key, key) != key:
            raise ValueError(f"an archive that repeats {name} in another form")
        return node

    take_memory_for(schema)
    from_text(schema, check)
    return unsafe


def _without_jobs(model: object) -> object:
    """Return a model, all of whose `n_jobs` become None: a file does not start processes."""
    parts, seen = [model], dict[int, object]()
    while parts:
        part = parts.pop()
        if type(part).__module__.startswith("sklearn.") and not isinstance(part, dict):
            part = getattr(part, "__dict__", None)
        if id(part) in seen:
            continue
        seen[id(part)] = part
        if isinstance(part, dict):
            part |= dict.fromkeys({"n_jobs"} & part.keys())
            parts += part.values()
        elif isinstance(part, list | tuple | set):
            parts += part
        elif isinstance(part, np.ndarray) and part.dtype.kind == "O":
            parts += part.ravel().tolist()
    return model


def import_extra(name: str) -> Any:
    """Import a package that only files need."""
    try:
        return import_module(name)
    except ImportError as error:
        raise ImportError(f"{name.partition('.')[0]} is not installed: {EXTRA}") from error
