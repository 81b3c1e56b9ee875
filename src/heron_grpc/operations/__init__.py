"""What the service does, one verb a file, without a word of transport."""
