"""Hours in minutes: every kind of caller at once, and what the service holds meanwhile."""
