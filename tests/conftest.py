"""Properties are tried on the same examples each time; HYPOTHESIS_PROFILE=default tries others.

Tests send signals to themselves and to what they start. Whoever starts them may have these ignored, as a shell does
with SIGINT for what it starts in the background, and processes inherit that: here they are as Python has them.
"""

import os
import signal

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
