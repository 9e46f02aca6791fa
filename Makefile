# Two commands do everything from a fresh clone, with nothing but Python (3.11 or 3.12), git and make:
#   make demo    installs, then runs the whole pipeline on rendered people
#   make test    installs, then runs the tests
PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: demo test lint same docs install clean

demo: install
	dvc repro
	@cat evaluation/table.md
	@echo
	@echo "Labels, teachers and student side by side: evaluation/overlays/side_by_side.png"
	@echo "Student: runs/student/   Teacher stores: stores/"

test: install
	OMP_NUM_THREADS=1 python -m pytest -n 2 --dist loadgroup

lint: install
	ruff check .
	ruff format --check .
	lint-imports

# After a refactoring: losses and extracted bytes as before, bit for bit.
same: install
	OMP_NUM_THREADS=1 python -m benchmarks.same

# The pages that are made from the code: settings, commands, built-in conventions.
docs: install
	python -m stages.documentation

install: $(BIN)/.installed

# uv, because pip cannot override mmpose's requirement of chumpy, which it works without.
$(BIN)/.installed: pyproject.toml constraints.txt overrides.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' || \
		{ echo "kd-pipeline needs Python 3.11 or 3.12, this is `$(PYTHON) --version`. Name one: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt uv
	$(BIN)/uv pip install --python $(BIN)/python --quiet --compile-bytecode --constraint constraints.txt --override overrides.txt --editable '.[dev,benchmark]'
	@touch $@

clean:
	rm -rf crops stores runs evaluation ablations data/synth_*
