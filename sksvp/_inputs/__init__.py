"""What comes in: rows, labels and parameters, checked in one place."""
