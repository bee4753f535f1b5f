import subprocess
import sys
import textwrap
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.rendering.limits import Limits
from deployer.rendering.loader import Budget, InvalidDocumentError, LimitError, load_yaml
from tests.rendering.conftest import REFUSED
