"""How well and how fast reports are read, beside medspaCy and negspacy: see ``reading/main.py``.

python bench/mining.py      two tables; about three minutes, and two more the first time
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[0] = str(HERE / "reading")  # not bench/, whose files would hide packages of their names
sys.path.insert(1, str(HERE.parent))
sys.path.append(str(HERE))

if __name__ == "__main__":
    from main import main

    from curation.errors import ToolError

    try:
        main()
    except ToolError as error:
        sys.exit(f"bench: {error}")
