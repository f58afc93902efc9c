"""`python -m benchmark` is `encoder-zoo`."""

from encoder_zoo import main

main()
