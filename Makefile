# make replay     the page from top to bottom, held against the original
# make test       all tests
# make test-all   the same with more kills and damaged files, on every Python here: about an hour
# make bench      seconds an epoch, beside Theano, PyTorch, JAX, NumPy and two floors
# make notebooks  execute the notebooks afresh, save them, and write output/*.html
# make lab        the notebooks in JupyterLab
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Python versions that pyenv keeps, where tox looks for them.
PYENV := $(subst $(eval) ,:,$(wildcard $(or $(PYENV_ROOT),$(HOME)/.pyenv)/versions/*/bin))

.PHONY: replay test test-all bench notebooks lab clean

replay: $(VENV)/installed-fast
	$(BIN)/python replay.py

test: $(VENV)/installed-test
	$(BIN)/ruff check
	$(BIN)/python -m pytest
	PATH="$(PYENV):$$PATH" $(BIN)/tox run -e oldest,newest

test-all: $(VENV)/installed-test
	$(BIN)/ruff check
	KILLS=50 FUZZ_EXAMPLES=60000 $(BIN)/python -m pytest
	PATH="$(PYENV):$$PATH" $(BIN)/tox run

bench: $(VENV)/installed-bench
	$(BIN)/python benchmarks/bench.py $(if $(THEANO_PYTHON),--theano-python $(THEANO_PYTHON))

notebooks: $(VENV)/installed-fast,notebooks
	$(BIN)/python notebooks/make_notebooks.py

lab: $(VENV)/installed-fast,notebooks
	$(BIN)/jupyter lab --notebook-dir=notebooks $(if $(filter 0,$(shell id -u)),--allow-root)

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# A stamp for each set of extras: installed once, and again only when the packages that are asked for change.
$(VENV)/installed-%: setup.py pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[$*]'
	touch $@

clean:
	rm -rf $(VENV) .tox output build *.egg-info
