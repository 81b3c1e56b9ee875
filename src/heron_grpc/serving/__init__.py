"""The model backend as a process, and what the front calls it with."""
