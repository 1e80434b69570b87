"""The user's data: from files and objects to checked rows in three parts, and from rows to tokens.

    sources (what was named) → formats (tables) → columns → rows → check → split → `Corpus` → tokens
"""

from luthier.data.columns import Columns
from luthier.data.formats import Record, Table
from luthier.data.load import Corpus, load, load_labelled, load_texts
from luthier.data.row import Row, Split

__all__ = ["Columns", "Corpus", "Record", "Row", "Split", "Table", "load", "load_labelled", "load_texts"]
