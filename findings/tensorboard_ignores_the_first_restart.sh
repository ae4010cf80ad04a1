#!/usr/bin/env bash
# TensorBoard 2.20.0: a program that resumes at step 4 writes SessionLog.START at that step, so that
# TensorBoard drops the points from 4 on that an earlier process wrote. TensorBoard ignores the
# first START of a run. TensorFlow 2's writers write none when a run begins, so the first restart
# leaves all points twice. Two equal STARTs in a row, or one at the run's beginning, help.
# Exits 0 while this is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check tensorboard==2.20.0 \
  setuptools==80.9.0 numpy==2.2.6
cat >"$folder/restart.py" <<'PY'
import sys
import time

import tensorboard
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.plugins.scalar.summary import scalar_pb
from tensorboard.summary.writer.event_file_writer import EventFileWriter


def process(directory, starts, steps, time_of_step_0):
    writer = EventFileWriter(directory)
    for step in starts:
        log = SessionLog(status=SessionLog.START)
        writer.add_event(Event(wall_time=time_of_step_0, step=step, session_log=log))
    for step in steps:
        point = scalar_pb("loss", time_of_step_0)
        writer.add_event(Event(wall_time=time_of_step_0 + step, step=step, summary=point))
    writer.close()


def steps_shown(name, first_starts, second_starts):
    directory = f"{sys.argv[1]}/{name}"
    process(directory, first_starts, range(1, 6), 100)
    time.sleep(1.1)  # file names have seconds
    process(directory, second_starts, range(4, 7), 200)
    events = EventAccumulator(directory)
    events.Reload()
    steps = [event.step for event in events.Tensors("loss")]
    print(f"START at {first_starts} of the first process, {second_starts} of the second: {steps}")
    return steps


print("tensorboard", tensorboard.__version__)
once = [1, 2, 3, 4, 5, 6]
ignored = steps_shown("a", [], [4]) == [1, 2, 3, 4, 5, 4, 5, 6]
twice = steps_shown("b", [], [4, 4]) == once
from_the_start = steps_shown("c", [1], [4]) == once
raise SystemExit(not (ignored and twice and from_the_start))
PY
"$folder/env/bin/python" "$folder/restart.py" "$folder" 2>/dev/null
