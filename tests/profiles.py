"""How hard property tests try: few examples by default and the same ones in continuous integration, many where asked.

`quick` never fails on time: these tests run beside others on small machines.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_IN_CI = bool(os.environ.get("CI"))
_EFFORT = int(os.environ.get("PROPERTY_EXAMPLES", "60"))

quick = settings(max_examples=_EFFORT, deadline=None, derandomize=_IN_CI, suppress_health_check=[HealthCheck.too_slow])
