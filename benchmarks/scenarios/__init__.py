"""What is measured, one scenario a module; each runs alone as `python -m benchmarks.scenarios.NAME`."""
