"""The public functions, behind `luthier.train`, `luthier.tune` and the rest."""
