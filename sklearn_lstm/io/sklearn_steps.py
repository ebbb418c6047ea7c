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

import json
from importlib import import_module
from io import BytesIO
from typing import Any
from zipfile import ZipFile

from sklearn_lstm import ESTIMATORS
from sklearn_lstm.exceptions import ModelFileError
from sklearn_lstm.storing.stored_form import DEEPEST, check_depth

EXTRA = "pip install safetensors skops"
SAFE = [  # modules and classes of scikit-learn
    # They compute with functions of NumPy and SciPy that compare shapes and check indices:
    "_loss",
    "cross_decomposition",
    *(f"decomposition._{name}" for name in ("factor_analysis", "fastica", "incremental_pca")),
    *(f"decomposition._{name}" for name in ("kernel_pca", "pca", "sparse_pca", "truncated_svd")),
    "discriminant_analysis",
    "dummy",
    "feature_extraction.text.TfidfTransformer",
    "feature_selection",
    "impute",
    "isotonic",
    "kernel_approximation",
    "kernel_ridge",
    "linear_model",
    "mixture",
    "naive_bayes",
    *(f"preprocessing._{name}" for name in ("data", "discretization", "function_transformer")),
    *(f"preprocessing._label.Label{name}" for name in ("Binarizer", "Encoder")),
    "preprocessing._encoders.OrdinalEncoder",
    "preprocessing._polynomial.PolynomialFeatures",
    "preprocessing._target_encoder",
    "random_projection",
    "svm._classes.LinearSVC",
    "svm._classes.LinearSVR",
    # They only call the estimators in them, which are checked too:
    "calibration",
    "compose",
    "ensemble._bagging",
    "ensemble._weight_boosting",
    "frozen",
    "model_selection._classification_threshold",
    "multiclass",
    "multioutput",
    "pipeline",
    "semi_supervised._self_training",
]
LOADERS = {  # the parts of skops that build plain data, arrays, functions, losses and estimators
    f"{kind}Node"
    for kind in (
        *("Json", "Dict", "List", "Tuple", "Set", "Slice", "NdArray", "DType", "Type"),
        *("Function", "Loss", "Object"),
    )
}
TRUSTED = [  # beside what skops trusts itself
    *(f"{module}.{name}" for name, module in ESTIMATORS.items()),
    "numpy.dtype",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.feature_selection._univariate_selection.f_classif",
]


def to_archive(estimator: Any) -> tuple[bytes, list[str]]:
    """Return the archive of an estimator, and the types in it that are not safe to load."""
    skops = import_extra("skops.io")
    archive = skops.dumps(estimator)
    untrusted = set(skops.get_untrusted_types(data=archive)) - set(TRUSTED)
    return archive, sorted(untrusted | _unsafe_types(archive))


def from_archive(archive: bytes) -> Any:
    """Return the estimator in an archive, which is not compressed."""
    if unsafe := _unsafe_types(archive):
        raise ModelFileError(
            f"holds {sorted(unsafe)}, which are not safe to load from a file. Store the model with "
            "joblib; whoever loads that file has to trust you."
        )
    return import_extra("skops.io").loads(archive, trusted=TRUSTED)


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
        schema = file.read("schema.json")
    unsafe: set[str] = set()
    nodes: dict[Any, Any] = {}  # by id
    names: dict[Any, Any] = {}  # of files, to the id of the array

    def check(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
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

    check_depth(json.loads(schema, object_pairs_hook=check), 2 * DEEPEST)
    return unsafe


def import_extra(name: str) -> Any:
    """Import a package that only files need."""
    try:
        return import_module(name)
    except ImportError as error:
        raise ImportError(f"{name.partition('.')[0]} is not installed: {EXTRA}") from error
