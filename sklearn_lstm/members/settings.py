"""What a fit is told: the parameters of the classifier, and what X and y say about them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.data.kinds import MEASUREMENTS, Kind
from sklearn_lstm.data.sequences import Sequences, common_length
from sklearn_lstm.encoding.token_codes import TokenCodes
from sklearn_lstm.pretrained.embeddings import PretrainedVectors, read_embeddings
from sklearn_lstm.pretrained.sentence_encoders import SentenceEncoder
from sklearn_lstm.targets.labels import Labels
from sklearn_lstm.targets.thresholds import given_thresholds

Parameters: TypeAlias = Mapping[str, Any]  # of the classifier, checked


@dataclass(frozen=True)
class FitSettings:
    """All that is decided before the samples are divided and the members fitted.

    Where nothing else is said, a field is the parameter of the classifier of the same name. What
    the network needs beside them, `NetworkSettings` has.

    Parameters
    ----------
    kind : Kind
        What the steps of sequences are.
    vectors : PretrainedVectors or None
        Of all ids, or in `partial_fit` of those that the network lacks.
    encoder : SentenceEncoder or None
        In `fit` alone.
    numbers : bool
        There are columns of numbers or categories beside the sequences.
    n_steps : int
        The length that nearly all sequences have, or 0.
    thresholds : ndarray of shape (n_thresholds,)
        NaN: chosen by held-out samples.
    """

    kind: Kind
    vectors: PretrainedVectors | None = field(repr=False)
    encoder: SentenceEncoder | None = field(repr=False)
    numbers: bool
    n_steps: int
    thresholds: NDArray[np.float64] = field(repr=False)
    criterion: str | type
    linear_model: bool | str
    normalize: bool
    max_epochs: int | str
    batch_size: int | str
    early_stopping: bool | str
    verbose: int


def read_settings(
    parameters: Parameters,
    kind: Kind,
    labels: Labels,
    sequences: Sequences | None = None,
    *,
    known: TokenCodes | None = None,
    known_vectors: PretrainedVectors | None = None,
) -> FitSettings:
    """Read the parameters of the classifier, but for those of the network alone.

    Parameters
    ----------
    parameters : dict
        Checked.
    kind, labels, sequences
        Of X and y. Without sequences neither `embeddings` nor an encoder is read.
    known, known_vectors
        Of the network of tokens that training goes on from: `embeddings` are read for new ids
        alone, and no encoder.

    Raises
    ------
    ValueError
        For vectors of measurements, and thresholds that do not fit y.
    """
    vectors, encoder, n_steps = None, None, 0
    if sequences is not None:
        n_steps = common_length(sequences.lengths)
        for name in ("embeddings", "encoder"):
            if kind is MEASUREMENTS and parameters[name] is not None:
                raise ValueError(f"{name} is for tokens, but X holds measurements. Leave it None.")
        if (given := parameters["embeddings"]) is not None:
            no_ids = np.empty(0, np.int64)
            new_ids = None if known is None else known.new_ids(sequences.distinct_ids(), no_ids)
            vectors = read_embeddings(given, sequences.vocabulary, new_ids, known_vectors)
            if known is None:
                vectors.warn_of_missing_rows(sequences)
        if known is None and parameters["encoder"] is not None:
            encoder = SentenceEncoder.opened(parameters["encoder"])
            encoder.known = {}  # the vectors of this fit
    names = {one.name for one in fields(FitSettings)} & parameters.keys()
    settings = {name: parameters[name] for name in names} | {
        "kind": kind,
        "vectors": vectors,
        "encoder": encoder,
        "numbers": sequences is not None and bool(sequences.numbers),
        "n_steps": n_steps,
        "thresholds": given_thresholds(parameters["threshold"], labels),
    }
    if parameters["linear_model"] == "alone":
        settings["max_epochs"] = 0
    return FitSettings(**settings)
