"""Speed and memory, measured: a load generator, what it is compared with, and the scenarios."""
