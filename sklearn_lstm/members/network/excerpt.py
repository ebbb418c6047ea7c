"""The part of a network of tokens that some samples read, so that few samples train quickly."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sklearn_lstm.data.sequences import Sequences
from sklearn_lstm.encoding.encoding import N_SPECIAL, PADDING_CODE, UNKNOWN_CODE, TokenCodes
from sklearn_lstm.encoding.growing_tables import GrowingTables
from sklearn_lstm.members.network.loop import has_rows_of, optimizer_state_of, replace_weight
from sklearn_lstm.members.network.network import Network
from sklearn_lstm.training.configuration import Configuration


@dataclass(frozen=True)
class Excerpt:
    """A network of tokens with only those rows of its tables that some samples read.

    The embedding table has a row for each token, and so have tables of the optimiser. An epoch on
    a few samples changes few rows. So `partial_fit` trains the excerpt, whose tables hold copies of
    these rows. They are written into the whole tables at the end, when nothing can fail any more.

    Parameters
    ----------
    network : Network
        The excerpt, which knows only the ids of the samples.
    whole : Network
        The network that it is taken from.
    codes : Tensor of shape (n_rows,)
        For each code of the excerpt, in ascending order: the code in the whole network.
    tables : dict of str to Tensor of shape (n_codes, ...)
        Those parts of the state of the whole optimiser that have a row for each code, by name.
    new_ids : ndarray of shape (n_new,)
        The ids in the samples, or with a pretrained vector, that the whole network lacks.
    new_vectors : Tensor of shape (n_new, embedding_dim)
        Their vectors before training.
    """

    network: Network
    whole: Network
    codes: Tensor
    tables: dict[str, Tensor]
    new_ids: NDArray[np.int64]
    new_vectors: Tensor

    @classmethod
    def of(
        cls,
        configuration: Configuration,
        whole: Network | None,
        sequences: Sequences,
        generator: torch.Generator,
    ) -> Excerpt | None:
        """Return the excerpt for some sequences; None without a trained network of tokens."""
        if whole is None or not (whole.is_trained and whole.module.tokens):
            return None
        known, weight = cast("TokenCodes", whole.encoding), whole.module.embedding.weight
        ids = sequences.distinct_ids().astype(np.int64)
        new_ids = known.new_ids(ids, configuration.ids_with_vectors)
        new_vectors = whole.module.new_vectors(len(known) + len(new_ids), generator)
        given = configuration.vectors
        if given is not None and len(given.ids):
            has_vector, vectors = given(new_ids, None)
            places = torch.from_numpy(has_vector).to(weight.device)
            new_vectors[places] = torch.from_numpy(vectors[has_vector]).to(weight.device)

        ids = ids[ids > 0]
        codes_of_ids = known(ids)
        is_new = codes_of_ids == UNKNOWN_CODE
        codes_of_ids[is_new] = len(known) + np.searchsorted(new_ids, ids[is_new])
        order = np.argsort(codes_of_ids)
        codes = torch.from_numpy(np.append(np.arange(N_SPECIAL), codes_of_ids[order]))
        codes = codes.to(weight.device)
        is_known = codes < len(known)
        module = deepcopy(whole.module, {id(weight): weight})
        rows = weight.detach()[codes[is_known]], new_vectors[codes[~is_known] - len(known)]
        module.set_table(torch.cat(rows))
        tables, optimizer_state = {}, None
        states = whole.optimizer_state_for(configuration.training.optimizer)
        if states is not None:
            index = [id(parameter) for parameter in whole.module.parameters()].index(id(weight))
            state = dict(states.get(index, {}))
            for name, value in state.items():
                table = torch.from_numpy(value) if isinstance(value, np.ndarray) else value
                if has_rows_of(table, weight):
                    tables[name] = table.to(weight.device)
                    # New rows begin as padding, whose gradient is 0.
                    state[name] = tables[name][torch.where(is_known, codes, PADDING_CODE)]
            optimizer_state = {**(whole.optimizer_state or {}), "state": {**states, index: state}}
        excerpt = Network(TokenCodes.of(ids[order]), None, module, optimizer_state=optimizer_state)
        return cls(excerpt, whole, codes, tables, new_ids, new_vectors)

    @torch.inference_mode(mode=False)
    def whole_again(self, trained: Network, growing: GrowingTables) -> Network:
        """Return the trained network with whole tables; its optimiser gets whole tables too.

        The trained rows are in the tables after `growing.write()`.
        """
        assert trained.net is not None  # noqa: S101 - it has trained the excerpt
        module, optimizer = trained.module, trained.net.optimizer_
        encoding = cast("TokenCodes", self.whole.encoding).appended(self.new_ids, growing)

        def grown(table: Tensor, new_rows: Tensor, rows: Tensor) -> Tensor:
            whole: Tensor = growing.with_rows(table, new_rows)
            growing.change(whole, self.codes, rows)
            return whole

        weight = module.embedding.weight
        state = optimizer.state.pop(weight, {})
        for name, value in state.items():
            if has_rows_of(value, weight):
                table = self.tables.get(name)
                if table is None:  # the initial state, which padding still has
                    table = value[:1].repeat(len(self.whole.encoding), *[1] * (value.ndim - 1))
                new_rows = table[:1].expand(len(self.new_ids), *value.shape[1:])
                state[name] = grown(table, new_rows, value)
        table = self.whole.module.embedding.weight.detach()
        module.set_table(grown(table, self.new_vectors, weight.detach()))
        replace_weight(optimizer, weight, module.embedding.weight)
        optimizer.state[module.embedding.weight] = state
        return replace(
            trained,
            encoding=encoding,
            vectors=self.whole.vectors,
            optimizer_state=optimizer_state_of(trained.net),
        )
