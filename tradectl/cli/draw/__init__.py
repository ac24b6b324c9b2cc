"""Answers as tables: plain JSON values in, text out. Imported by the quick path, so nothing heavy here."""
