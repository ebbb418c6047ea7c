"""Look inside a fitted classifier: its gates, and what each step adds to a prediction."""

from sklearn_lstm.inspection.class_explanations import ClassExplanations, explain_classes
from sklearn_lstm.inspection.displays import ExplanationDisplay, TrainingDisplay
from sklearn_lstm.inspection.explaining import Phrase, explain, explain_phrases
from sklearn_lstm.inspection.explanation import Explanation, as_shap_explanation
from sklearn_lstm.inspection.gates import GateActivations, gate_activations, sequence_vectors

__all__ = [
    "ClassExplanations",
    "Explanation",
    "ExplanationDisplay",
    "GateActivations",
    "Phrase",
    "TrainingDisplay",
    "as_shap_explanation",
    "explain",
    "explain_classes",
    "explain_phrases",
    "gate_activations",
    "sequence_vectors",
]
