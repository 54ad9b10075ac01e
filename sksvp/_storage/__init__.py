"""What outlives a process: files, fingerprints and locked folders."""
