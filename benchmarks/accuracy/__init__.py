"""Accuracy of reading, beside what it is built on."""
