"""What the service talks about: documents, classifications, errors, ports. Standard library only."""
