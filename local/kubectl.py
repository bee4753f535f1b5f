"""Where kubectl is."""

import os
import shutil
import sys
from pathlib import Path

KUBECTL = shutil.which("kubectl", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}") or "kubectl"
"""The one of this virtual environment, else the PATH's."""
