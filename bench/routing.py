"""What routing is worth: disagreements found by reading the most uncertain first, against random order.

python bench/routing.py     two tables, and docs/images/routing.svg; half a minute. What is assumed: reading/worth.py
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[0] = str(HERE / "reading")  # not bench/, whose files would hide packages of their names
sys.path.insert(1, str(HERE.parent))

if __name__ == "__main__":
    from worth import main

    main()
