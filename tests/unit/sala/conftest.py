from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from routing_desk import url  # noqa: F401 - found by the line above
