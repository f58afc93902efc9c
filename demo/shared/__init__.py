"""The parts that several tabs use."""
