"""A run that is killed at any moment chooses what an unbroken one would have chosen."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the runs are forked")
@pytest.mark.parametrize("kind", ["rounds", "person"])
def test_killed_runs_choose_the_same_rows(kind, tmp_path):
    program = Path(__file__).with_name("killed_runs.py")
    done = subprocess.run([sys.executable, program, kind, tmp_path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout)
    assert told["kills"] > 25
    for broken in told["broken"]:
        assert broken == told["unbroken"]
    # No folder fills up, and nothing half-written is left behind.
    for folder in tmp_path.glob("*/*"):
        assert len(list(folder.glob("state-*.bin"))) == 2
        assert not list(folder.glob(".*part*"))
