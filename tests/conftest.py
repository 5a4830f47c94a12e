"""Properties are tried on the same examples each time; HYPOTHESIS_PROFILE=default tries others."""

import os

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))
