"""What the command's exit status means; documented in the README."""

OK = 0
SOME_FAILED = 1
USAGE = 2
AUTH = 3
UNAVAILABLE = 4
NEEDS_REVIEW = 5
