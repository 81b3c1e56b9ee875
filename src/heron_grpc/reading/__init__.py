"""What a document says: detection, one file per format, text recognition, and the pool of killable reading children."""
