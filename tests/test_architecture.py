"""The layers of the package: no import of a higher layer, light imports."""

import ast
import re
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin

import sklearn_lstm

ROOT = Path(sklearn_lstm.__file__).parent

# From the lowest layer to the highest. A module may import its own entry and all entries of lower
# lines. An entry with a dot stands for that module, any other for a module or a whole folder.
LAYERS = [
    ["__init__"],  # the version; the classes are imported at first use
    ["exceptions", "locks", "threads"],
    ["progress", "sklearn_internals"],
    ["storage"],
    ["text"],
    ["data"],
    ["targets", "pretrained", "encoding"],
    ["members"],
    ["model"],
    ["fitting"],
    ["vectorizer", "classifier", "predictor", "vectors"],
    ["word_vectors", "streaming"],
    ["inspection", "io"],
    ["__main__"],
]
# A batch to logits.
PAGES = "architecture", "devices", "positions", "pooling", "recurrent_cells", "sequence_network"
NETWORK = [f"members.network.{page}" for page in PAGES]
PUBLIC_PACKAGES = {"inspection.__init__"}
LEVELS = {entry: level for level, entries in enumerate(LAYERS) for entry in entries}


@cache
def modules():
    """Return the syntax tree of each module, by its name below the package."""
    trees = {}
    for path in sorted(ROOT.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        trees[name] = ast.parse(path.read_text(encoding="utf-8"))
    return trees


def imported_names(tree):
    """Yield the full name of all that a module imports, for type checkers alone too."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        else:
            yield from imported_names(node)


def modules_imported_by(name):
    """Return the modules of the package that a module imports."""
    found = set()
    if name == "__init__":  # it imports the classes at first use
        return found
    for full_name in imported_names(modules()[name]):
        package, _, rest = full_name.partition(".")
        if package == "sklearn_lstm":
            candidates = [rest, rest.rpartition(".")[0], f"{rest}.__init__", "__init__"]
            found.add(next(each for each in candidates if each in modules()))
    return found


def entry_of(module):
    """Return the entry of `LAYERS` that a module belongs to."""
    package, _, rest = module.partition(".")
    if rest == "__init__" and module not in PUBLIC_PACKAGES:
        return None  # empty but for a docstring
    return module if module in LEVELS else package


# --- Modules


def test_packages_hold_a_docstring_alone_but_for_the_public_ones():
    for name, tree in modules().items():
        if name.endswith(".__init__") and name not in PUBLIC_PACKAGES:
            assert [type(node) for node in tree.body] == [ast.Expr], name
            assert ast.get_docstring(tree), name


# --- Layers


def test_every_module_belongs_to_a_layer():
    found = {entry_of(name) for name in modules()} - {None}
    assert found == set(LEVELS)


def test_no_module_imports_a_higher_layer():
    for name in modules():
        entry = entry_of(name)
        others = {other for other in modules_imported_by(name) if entry_of(other) != entry}
        higher = [other for other in others if LEVELS[entry_of(other)] >= LEVELS[entry]]
        assert higher == [], name


def test_members_know_what_is_common_to_all_but_not_each_other():
    linear = ["features", "solvers", "recipes"]  # each knows those before it
    for name in modules():
        folder, _, rest = name.partition(".")
        part = rest.partition(".")[0]
        known = linear[: linear.index(part)] if part in linear else []
        others = {other.split(".")[1] for other in modules_imported_by(name) if "members." in other}
        if folder == "members":
            assert not others & {*linear, "network"} - {part, *known}, name


def test_no_import_goes_round_in_a_circle():
    graph = {name: modules_imported_by(name) for name in modules()}
    assert len(list(TopologicalSorter(graph).static_order())) == len(graph)


def test_the_network_imports_neither_texts_nor_data_nor_scikit_learn():
    for name in NETWORK:
        assert modules_imported_by(name) <= {*NETWORK, "threads"}
        packages = {full.split(".")[0] for full in imported_names(modules()[name])}
        assert not packages & {"sklearn", "skorch", "scipy"}


def test_the_guide_for_contributors_lists_each_module_below_those_that_it_imports():
    guide = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    cells = re.findall(r"^\| (`\S+\.py`.*?) \|", guide, re.MULTILINE)
    paths = [path for cell in cells for path in re.findall(r"`(\S+)\.py`", cell)]
    listed = [path.replace("/", ".") for path in paths]
    assert sorted(listed) == sorted(name for name in modules() if not name.endswith("__init__"))
    for position, name in enumerate(listed):
        assert not modules_imported_by(name) & set(listed[position:]), name


def test_every_lock_is_one_that_survives_a_fork():
    for name in modules().keys() - {"locks"}:
        assert not {"threading.Lock", "threading.RLock"} & {*imported_names(modules()[name])}, name


# --- What an import loads


def loaded_by(statement):
    """Return the names of all modules that a new process has loaded after a statement."""
    code = f"import sys\n{statement}\nprint(*sorted(sys.modules))"
    command = [sys.executable, "-W", "error", "-c", code]
    finished = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    return set(finished.stdout.split())


def packages_of(loaded):
    return {name.split(".")[0] for name in loaded}


def test_importing_the_network_loads_neither_texts_nor_scikit_learn():
    loaded = loaded_by("\n".join(f"import sklearn_lstm.{name}" for name in NETWORK))
    assert "torch" in packages_of(loaded)
    assert not packages_of(loaded) & {"sklearn", "skorch", "scipy"}
    assert not [name for name in loaded if name.startswith("sklearn_lstm.text")]


# Modules that only fit, store or validate, beside those that read X and name labels.
FIT = {"storage.estimators"}
PREDICT = {"exceptions", "locks", "storage", "text", "data", "vectors"}


NOT_TO_PREDICT = {"torch", "skorch", "sklearn", "joblib", "pandas", "threadpoolctl", "tqdm"}
NOT_TO_PREDICT |= {"narwhals"}  # it reads data frames


def test_what_predicts_loads_numpy_and_scipy_alone():
    names = [name for name in modules() if entry_of(name) in PREDICT and name not in FIT]
    imports = "\n".join(f"import sklearn_lstm.{name}" for name in names)
    assert not packages_of(loaded_by(imports)) & NOT_TO_PREDICT


def test_the_plan_of_a_fit_is_made_without_torch():
    loaded = loaded_by("import sklearn_lstm.members.settings, sklearn_lstm.members.settings")
    assert not packages_of(loaded) & {"torch", "skorch"}


def test_texts_are_read_without_torch():
    reads = "TextSequenceVectorizer().fit(['some text']).transform(['a text'])"
    loaded = loaded_by(f"from sklearn_lstm import TextSequenceVectorizer, WordVectors\n{reads}")
    layers = {name.split(".")[1] for name in loaded if name.startswith("sklearn_lstm.")}
    assert not packages_of(loaded) & {"torch", "skorch"}
    assert not layers & {"classifier", "members"}


def test_importing_the_package_alone_loads_neither_torch_nor_scikit_learn():
    loaded = loaded_by("import sklearn_lstm")
    assert not packages_of(loaded) & {"torch", "sklearn", "skorch", "scipy", "numpy"}
    assert [name for name in loaded if name.startswith("sklearn_lstm")] == ["sklearn_lstm"]


def test_the_names_of_the_package_are_its_classes():
    assert set(sklearn_lstm.__all__) <= set(dir(sklearn_lstm))
    for name in sklearn_lstm.__all__:
        assert getattr(sklearn_lstm, name).__name__ == name
    with pytest.raises(AttributeError, match="has no attribute 'Tokenizer'"):
        sklearn_lstm.Tokenizer  # noqa: B018 - the access is what is tested


# --- Private names of scikit-learn


def is_private(name):
    return name.startswith("_") and not name.endswith("_")


def private_names_of_scikit_learn():
    """Return the private attributes that an estimator of scikit-learn has or inherits."""
    bases = (BaseEstimator, ClassifierMixin, TransformerMixin)
    return {name for base in bases for name in dir(base) if is_private(name)}


# The constraints of parameters are written as scikit-learn's own estimators write theirs.
MAY_IMPORT_PRIVATE_NAMES = {"sklearn_internals", "classifier"}


def test_only_constraints_of_parameters_import_private_names_of_scikit_learn():
    found = {
        name
        for name, tree in modules().items()
        for full in imported_names(tree)
        if full.split(".")[0] == "sklearn" and any(map(is_private, full.split(".")))
    }
    assert found == MAY_IMPORT_PRIVATE_NAMES


def test_only_one_module_uses_private_attributes_of_scikit_learn():
    private = private_names_of_scikit_learn()
    assert "_get_param_names" in private  # it is known what is private
    for name in modules().keys() - {"sklearn_internals"}:
        nodes = list(ast.walk(modules()[name]))
        used = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
        defined = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
        assert (used | defined) & private == set(), name
