"""In the place of the package datasets, which needs too many packages for one page."""

from pathlib import Path

from pyarrow import parquet


class load_dataset:  # noqa: N801 - the function of this name returns rows that can be iterated
    """Rows of Parquet files."""

    def __init__(self, path, *, data_files, split, streaming):
        assert (path, split, streaming) == ("parquet", "train", True)
        self.files = Path().glob(data_files)

    def iter(self, batch_size):
        """Return batches of at most so many rows: dicts of lists."""
        for file in self.files:
            for batch in parquet.ParquetFile(file).iter_batches(batch_size):
                yield batch.to_pydict()
