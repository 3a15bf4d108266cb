"""`python -m witchery` is `witchery`."""

import sys

from witchery.cli import main

sys.exit(main())
