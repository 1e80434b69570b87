"""Parquet files, with the class names that the `datasets` library keeps in their schema."""

from __future__ import annotations

import io
from pathlib import Path

from luthier.data.formats.arrow import class_names, from_arrow
from luthier.data.formats.decoding import read_bytes
from luthier.data.formats.recognise import columnar
from luthier.data.formats.table import DEFAULTS, Table
from luthier.data.options import DataOptions
from luthier.errors import DataError


def read(path: Path, options: DataOptions = DEFAULTS) -> Table:
    """The table of a .parquet file.

    Raises:
        DataError: it is not Parquet, or pyarrow is not installed.
    """
    content = read_bytes(path)
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise DataError(f"{path}: reading Parquet needs pyarrow. Run: pip install pyarrow") from None
    try:
        arrow = pq.read_table(io.BytesIO(content))
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: not a Parquet file that pyarrow can read: {str(error).rstrip('.')}. Save it again.") from None
    return columnar(from_arrow(path.name, arrow, class_names(arrow.schema.metadata or {})), options)
