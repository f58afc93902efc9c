"""The rows of a CSV, TSV, text, JSON or parquet file.

A file is first looked through (`look_through`): its encoding, its separator, its quotation marks and the number of its
rows are found, or it is refused with what to do. Then its rows are read (`read_batches`, `read_plain_rows`). The reader
is strict: it skips, mends and guesses nothing. Messages count lines from 1, as an editor does.
"""
