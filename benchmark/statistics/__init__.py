"""Metrics, intervals, tests, decisions and calibration, all from arrays."""
