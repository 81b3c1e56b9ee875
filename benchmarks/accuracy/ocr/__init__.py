"""How well pages are read that were drawn with their text known, and spoilt as scanners, faxes and phones do it."""
