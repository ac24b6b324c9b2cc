"""``python -m tradectl.sandbox``."""

import sys

from tradectl.sandbox.run import main

if __name__ == "__main__":
    sys.exit(main())
