"""Model files, taken apart and put together."""

import json
from functools import partial

import numpy as np
import pytest
import small_models
from safetensors.numpy import save as to_safetensors

from sklearn_lstm import Predictor
from sklearn_lstm.io import ModelFileError, load
from sklearn_lstm.storage.file import MARK
from sklearn_lstm.storage.forms import DTYPES, checksum_of, to_text

TEXTS = ["so good", "good fun, so good", "so bad", "bad, so boring", "naïve plot"]
IDS, Y = small_models.tokens(24)
SERIES, _ = small_models.series(24)
small = partial(small_models.small, hidden_size=2, max_epochs=1)


def parts_of(data):
    """Return the header and the arrays of a file."""
    end = 8 + int.from_bytes(data[:8], "little")
    return json.loads(data[8:end]), data[end:]


def joined(header, arrays=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + arrays


def refusal(path, data):
    """Return the message of the error that a file raises, in `Predictor.load` too."""
    path.write_bytes(data)
    with pytest.raises(ModelFileError):
        Predictor.load(path)
    with pytest.raises(ModelFileError) as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) > len(str(path)) + 25
    return str(caught.value)


def changed(data, change):
    """Return a file whose tree is changed, with the checksum that fits to it."""
    content, arrays = parsed(data)
    change(content)
    return file_of(content, arrays)


def members_of(content):
    return content["attributes"]["_fitted"]["Fitted"]["model"]["SequenceModel"]["members"]["tuple"]


def file_of(content, arrays):
    """Return a file of a tree, or its text, and its arrays, whose checksums fit."""
    text = content if isinstance(content, bytes) else to_text(content)
    array = np.frombuffer(text, np.uint8)
    metadata = {MARK: f"content {checksum_of(array)}"}
    return to_safetensors(arrays | {"content": array}, metadata)


def named(name, array):
    """Return the tree of an array."""
    return {"array": [name, checksum_of(array)]}


def parsed(data):
    """Return the tree and the arrays of a file."""
    header, data = parts_of(data)
    metadata = header.pop("__metadata__")
    arrays = {
        name: np.frombuffer(data[slice(*entry["data_offsets"])], DTYPES[entry["dtype"]]).reshape(
            entry["shape"]
        )
        for name, entry in header.items()
    }
    return json.loads(arrays.pop(metadata[MARK].split()[0]).tobytes()), arrays


def with_array(data, name, array):
    """Return a file with another array in place of one whose name ends so."""
    content, arrays = parsed(data)
    (name,) = (full for full in arrays if full.endswith(name))
    old, new = (json.dumps([name, checksum_of(part)])[:-1] for part in (arrays[name], array))
    text = json.dumps(content)
    assert old in text
    return file_of(json.loads(text.replace(old, new)), arrays | {name: array})
