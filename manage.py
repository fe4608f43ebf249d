#!/usr/bin/env python
"""SeqHub from a checkout: the same commands as the `seqhub` console script."""

from seqhub.cli import main

if __name__ == "__main__":
    main()
