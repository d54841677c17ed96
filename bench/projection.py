"""How fast and how exact the projection of a labelled CT is: see ``projecting/main.py``.

python bench/projection.py            tables; about five minutes, and four more the first time (4.3 GB of peers)
python bench/projection.py --json     and one last line of JSON, for machines
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[0] = str(HERE / "projecting")  # not bench/, where this file would hide the package of its name
sys.path.insert(1, str(HERE.parent))
sys.path.append(str(HERE))

if __name__ == "__main__":
    from main import main

    from curation.errors import ToolError

    try:
        main()
    except ToolError as error:
        sys.exit(f"bench: {error}")
