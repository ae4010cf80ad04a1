"""Names of the extensions of a signal beyond its borders."""

MODES = ("reflect", "periodization", "zero")
