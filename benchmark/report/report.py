"""The web report of a run: for the end of a run, and for a folder of an earlier one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from peephole.errors import PeepholeError
from peephole.leaderboard.report.contents import Contents
from peephole.machine import Machine
from peephole.plan import Plan
from peephole.report.gather import gather
from peephole.report.tables import gather_tables
from peephole.request import read_request
from peephole.runner import plan_run
from peephole.store.folder import open_folder
from peephole.store.store import DamagedShard, Store
from peephole.submissions.folder import stored
from peephole.workspace import Workspace

REPORT = "report"
"""Where a report is in the folder of its run."""
