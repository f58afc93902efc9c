"""`python -m zoo` is `encoder-zoo`."""

from encoder_zoo import main

main()
