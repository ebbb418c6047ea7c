"""Look inside a fitted classifier: its gates, and what each step adds to a prediction."""

from sklearn_lstm.inspection.explaining import Explanation, explain
from sklearn_lstm.inspection.explanation_display import ExplanationDisplay
from sklearn_lstm.inspection.gate_display import GateDisplay
from sklearn_lstm.inspection.gates import gate_activations
from sklearn_lstm.inspection.length_display import LengthAccuracyDisplay
from sklearn_lstm.inspection.phrases import Phrase, explain_phrases
from sklearn_lstm.inspection.shap_connectors import as_shap_explanation
from sklearn_lstm.inspection.training_display import TrainingDisplay

__all__ = [
    "Explanation",
    "ExplanationDisplay",
    "GateDisplay",
    "LengthAccuracyDisplay",
    "Phrase",
    "TrainingDisplay",
    "as_shap_explanation",
    "explain",
    "explain_phrases",
    "gate_activations",
]
