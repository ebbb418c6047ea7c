"""The list of linear models, in the order in which they are fitted."""

from sklearn_lstm.members.features.encoder import TEXT_VECTORS
from sklearn_lstm.members.features.ngram_reader import NGRAMS, POSITIONS
from sklearn_lstm.members.features.numbers import NUMBERS
from sklearn_lstm.members.features.series import SERIES
from sklearn_lstm.members.features.state_search import STATES

RECIPES = [NGRAMS, POSITIONS, STATES, SERIES, TEXT_VECTORS, NUMBERS]
