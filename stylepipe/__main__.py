"""`python -m stylepipe`, the same as the command `stylepipe`."""

import sys

if not sys.flags.safe_path:
    del sys.path[0]  # the current folder, which `python -m` puts there: nothing is imported from where stylepipe is used

from stylepipe.cli import main

if __name__ == "__main__":
    main()
