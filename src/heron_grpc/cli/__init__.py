"""The `heron` command. Its client commands need the plain install alone."""
