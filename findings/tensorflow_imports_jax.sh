#!/usr/bin/env bash
# TensorFlow 2.21.0 with jax 0.10.2 beside it: `import tensorflow` imports jax as well, since the
# converter of TFLite does. Programs that never use jax wait for it, and for its plugins. It also
# makes the import of TensorFlow fail in a script whose directory has a module `compression`, a
# name that jax looks for because of Python 3.14's new package. Without jax the script runs.
# Exits 0 while this is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet tensorflow-cpu==2.21.0 jax==0.10.2 jaxlib==0.10.2 2>/dev/null
mkdir "$folder/script"
echo 'raise RuntimeError("a module of the script was imported")' >"$folder/script/compression.py"
cat >"$folder/script/run.py" <<'PY'
import sys

if "without" in sys.argv:
    sys.modules["jax"] = None  # hides it
import tensorflow as tf

print("imported TensorFlow", tf.__version__, "| jax too:", sys.modules.get("jax") is not None)
PY
export TF_CPP_MIN_LOG_LEVEL=3
cd "$folder"
usual=$(env/bin/python -c 'import sys, tensorflow; print("jax" in sys.modules)' 2>/dev/null)
hidden=$(env/bin/python script/run.py without 2>/dev/null)
failed=$(env/bin/python script/run.py 2>&1 | tail -1 || true)
echo "import tensorflow imports jax: $usual"
echo "beside compression.py, jax hidden: $hidden"
echo "beside compression.py: $failed"
[[ $usual == True && $hidden == *"jax too: False" && $failed == *"a module of the script was imported" ]]
