"""The vocabulary: plain immutable records and the pure rules about them. Imports nothing of ours."""
