"""Other servers with the same model, in an environment of their own: their requirements and ours do not agree."""
