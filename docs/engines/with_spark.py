"""Predict with Spark."""

from collections.abc import Iterator
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import DoubleType, StructField, StructType


def start(n_workers: int = 2) -> SparkSession:
    """Start Spark on this machine. For a cluster: ``.master(address)``."""
    return SparkSession.builder.master(f"local[{n_workers}]").getOrCreate()


def predict_proba(model: Any, frame: DataFrame) -> DataFrame:
    """Return the column "id" and one for each class; texts are in "text"."""
    names = [str(label) for label in model.classes_]

    def of_parts(parts: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for part in parts:
            values = pd.DataFrame(
                model.predict_proba(part["text"]), part.index, names
            )
            yield pd.concat([part["id"], values], axis=1)

    columns = [
        frame.schema["id"],
        *(StructField(name, DoubleType()) for name in names),
    ]
    return frame.mapInPandas(of_parts, StructType(columns))
