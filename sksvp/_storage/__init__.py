"""Files with checksums, locked folders, and fingerprints of data and models."""
