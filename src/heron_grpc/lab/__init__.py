"""Where models are made and measured; nothing here is needed to serve."""
