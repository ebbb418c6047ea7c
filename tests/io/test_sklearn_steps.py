"""Steps of scikit-learn in a file: only those that are safe, whatever values a file gives them."""

import json
import os
import pickle
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn
import skops.io
from memory_taken import peak_bytes
from numpy.lib import format as npy
from safetensors.numpy import save as to_safetensors
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.covariance import EmpiricalCovariance
from sklearn.ensemble import BaggingClassifier
from sklearn.feature_extraction import DictVectorizer, FeatureHasher
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline, make_union
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MultiLabelBinarizer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)
from sklearn.svm import SVC, SVR, LinearSVC, NuSVC, NuSVR, OneClassSVM
from sklearn.tree import DecisionTreeClassifier

import sklearn_lstm
from sklearn_lstm.io import ModelFileError, load, save
from sklearn_lstm.io.sklearn_steps import from_archive
from sklearn_lstm.storing.stored_form import FORMAT, checksum_of

X = np.abs(np.random.default_rng(0).normal(size=(40, 4)))
Y = np.arange(40) % 2
UNSAFE = [
    SVC(),
    NuSVC(),
    SVR(),
    NuSVR(),
    OneClassSVM(),
    DecisionTreeClassifier(),
    KMeans(2, n_init=1),
    KNeighborsClassifier(algorithm="brute"),
    OneHotEncoder(),
    EmpiricalCovariance(),
    OneVsRestClassifier(SVC()),
    make_union(StandardScaler(), KBinsDiscretizer(strategy="uniform")),
]
WITHOUT_Y = [
    CountVectorizer().fit(["so good"]),
    DictVectorizer().fit([{"a": 1}]),
    MultiLabelBinarizer().fit([[1]]),
    FeatureHasher(),
]
SAFE = [
    SimpleImputer(),
    OrdinalEncoder(),
    SelectKBest(k=2),
    make_pipeline(make_union(StandardScaler(), SimpleImputer()), LinearSVC()),
    CalibratedClassifierCV(SGDClassifier(random_state=0), cv=2, method="isotonic"),
    OneVsRestClassifier(LogisticRegression()),
]


def changed(archive, change, array=None):
    """Return an archive with another schema, and perhaps another array in place of each."""
    new = BytesIO()
    with ZipFile(BytesIO(archive)) as old, ZipFile(new, "w") as file:
        schema = json.loads(old.read("schema.json"))
        for name in old.namelist():
            data = array or old.read(name)
            file.writestr(name, json.dumps(change(schema)) if name == "schema.json" else data)
    return new.getvalue()


@pytest.mark.parametrize(
    "step", [*(each.fit(X, Y) for each in UNSAFE), *WITHOUT_Y], ids=lambda step: repr(step)[:30]
)
def test_a_step_that_reads_beyond_its_memory_if_forged_is_neither_saved_nor_loaded(step, tmp_path):
    with pytest.raises(TypeError, match=r"the step 'a'.*sklearn.* not safe to load"):
        # Before scikit-learn 1.7 a Pipeline of a step without a state alone counts as not fitted.
        save(Pipeline([("a", step), ("b", StandardScaler().fit(X))]), tmp_path / "model")
    with pytest.raises(ModelFileError, match="not safe to load"):
        from_archive(skops.io.dumps(step))


@pytest.mark.parametrize(
    "step", [each.fit(X, Y) for each in SAFE], ids=lambda step: repr(step)[:30]
)
def test_a_safe_step_comes_back(step, tmp_path):
    save(make_pipeline(step), tmp_path / "model")
    method = "predict" if hasattr(step, "predict") else "transform"
    restored = load(tmp_path / "model")
    np.testing.assert_array_equal(getattr(restored, method)(X), getattr(step, method)(X))


def test_values_that_are_read_without_a_check_are_refused_under_any_name():
    model = LogisticRegression().fit(X, Y)
    model.coef_ = sp.csr_matrix(model.coef_)

    def renamed(schema):
        schema["content"]["content"]["coef_"] |= {
            "__class__": "spmatrix",
            "__module__": "scipy.sparse._matrix",
        }
        return schema

    assert skops.io.loads(changed(skops.io.dumps(model), renamed)).coef_.nnz == 4  # skops trusts it
    model.coef_ = np.random.RandomState(0)
    for archive in (changed(skops.io.dumps(model), lambda schema: schema), skops.io.dumps(model)):
        with pytest.raises(ModelFileError, match="not safe to load"):
            from_archive(archive)


def test_a_file_does_not_say_how_many_processes_start(tmp_path):
    several = make_union(StandardScaler(), SimpleImputer(), n_jobs=2)
    inner = make_pipeline(ColumnTransformer([("a", several, [0, 1])], n_jobs=2), LinearSVC())
    step = BaggingClassifier(inner, n_estimators=2, n_jobs=2).fit(X, Y)
    save(make_pipeline(step), tmp_path / "model")
    bagging = load(tmp_path / "model")[0]
    columns = bagging.estimators_[1][0]
    found = bagging, bagging.estimator[0], columns, columns.transformers_[0][1]
    assert [part.n_jobs for part in found] == [None] * 4
    np.testing.assert_array_equal(bagging.predict(X), step.predict(X))

    def plain(schema):  # attributes that stand in one text
        attributes = {"transformer_list": [["a", "passthrough"]] * 2, "n_jobs": 2}
        text = json.dumps(attributes | {"_sklearn_version": sklearn.__version__})
        schema["content"] |= {"__loader__": "JsonNode", "content": text, "is_json": True}
        return schema

    archive = skops.io.dumps(make_union(StandardScaler(), SimpleImputer()).fit(X))
    assert from_archive(changed(archive, plain)).n_jobs is None


def with_archive(archive, n_steps=1):
    """Return the file of a Pipeline whose steps are this archive of skops."""
    data = np.frombuffer(archive, np.uint8)
    step = {"class": "skops", "parameters": {}, "classes": None, "sizes": {}}
    step |= {"archive": {"bytes": {"array": ["a", checksum_of(data)]}}, "n_samples": None}
    content = {"class": "Pipeline", "parameters": {"verbose": False, "transform_input": None}}
    content |= {"format": FORMAT, "versions": {"sklearn_lstm": sklearn_lstm.__version__}}
    content["steps"] = [[str(number), step] for number in range(n_steps)]
    text = json.dumps(content)
    return to_safetensors({"a": data}, {"content": text, "checksum": checksum_of(text)})


def test_one_archive_does_not_stand_for_many_steps(tmp_path):
    data = with_archive(skops.io.dumps(StandardScaler().fit(np.zeros((2, 50_000)))), n_steps=200)
    (tmp_path / "model").write_bytes(data)

    def refused():
        with pytest.raises(ModelFileError, match="more memory"):
            load(tmp_path / "model")

    assert peak_bytes(refused) < (32 << 20) + 32 * len(data)


class Hostile:
    """Makes a folder when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, ("hostile",)


def test_an_archive_of_skops_is_built_of_trusted_types_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").write_bytes(with_archive(skops.io.dumps(StandardScaler())))
    assert isinstance(load(tmp_path / "model")["0"], StandardScaler)
    with ZipFile(tmp_path / "bomb", "w", ZIP_DEFLATED) as bomb:
        bomb.writestr("schema.json", bytes(10_000_000))
    for archive, message in (
        (skops.io.dumps(FunctionTransformer(checksum_of)), "Untrusted"),
        (pickle.dumps(Hostile()), None),
        ((tmp_path / "bomb").read_bytes(), "larger"),
    ):
        (tmp_path / "model").write_bytes(with_archive(archive))
        with pytest.raises(ModelFileError, match=message):
            load(tmp_path / "model")
    assert not (tmp_path / "hostile").exists()


def test_an_array_has_the_bytes_that_it_claims():
    file = BytesIO()
    npy.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (10**9,)})
    with pytest.raises(ValueError, match=r"\(1000000000,\) in"):
        from_archive(
            changed(skops.io.dumps(StandardScaler().fit(X)), lambda schema: schema, file.getvalue())
        )


def test_a_reference_does_not_stand_for_more_than_its_bytes():
    def nested(_):
        node = {"__module__": "builtins", "__class__": "list", "__loader__": "ListNode"}
        tree = {**node, "__id__": 1, "content": []}
        for key in range(2, 30):
            tree = {**node, "__id__": key, "content": [tree, *[{**node, "__id__": key - 1}] * 9]}
        return {**tree, "protocol": 2, "_skops_version": "0"}

    with pytest.raises(ValueError, match="in another form"):
        from_archive(changed(skops.io.dumps(StandardScaler()), nested))

    def one_file(schema):
        content = schema["content"]["content"]
        content["var_"]["file"] = content["mean_"]["file"]
        return schema

    def in_reverse(schema):
        content = one_file(schema)["content"]["content"]
        schema["content"]["content"] = dict(reversed(content.items()))
        return schema

    for change in (one_file, in_reverse):
        with pytest.raises(ValueError, match="in another form"):
            from_archive(changed(skops.io.dumps(StandardScaler().fit(X)), change))
