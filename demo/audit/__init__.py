"""The Label audit tab."""
