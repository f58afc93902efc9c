"""`python -m zoo`: pretrain an encoder."""

from zoo.cli import main

main()
