"""Parquet files, with the class names that the `datasets` library keeps in their schema."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from luthier.data.formats.arrow import from_arrow
from luthier.data.formats.decoding import read_bytes
from luthier.data.formats.table import Table
from luthier.errors import DataError


def read(path: Path) -> Table:
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
        raise DataError(f"{path}: not a Parquet file that pyarrow can read: {error}") from None
    return from_arrow(path.name, arrow, class_names(arrow.schema.metadata or {}))


def class_names(metadata: Mapping[bytes, bytes]) -> dict[str, list[str]]:
    """The names of each ClassLabel column, from the metadata of an Arrow schema."""
    try:
        features: Any = json.loads(metadata[b"huggingface"])["info"]["features"]
    except (KeyError, TypeError, ValueError):
        return {}
    return {column: feature["names"] for column, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" and feature.get("names")}
