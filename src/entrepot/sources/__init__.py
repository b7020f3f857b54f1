"""Publishers' files: bytes in, canonical rows out."""
