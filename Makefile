# make replay     replay the page and compare it with the original
# make test       lint, tests, and checks of fresh installations with the oldest and newest versions: seven minutes
# make test-all   the same with the slow tests and every Python found: about an hour
# make bench      time an epoch, beside Theano, PyTorch, JAX and NumPy
# make notebooks  re-run the notebooks, save them, and write output/*.html
# make site       build the page for the browser, output/site, after training its models: two minutes
# make test-site  run that page in Chromium, with Python in it
# make lab        open the notebooks in JupyterLab
# make clean      remove the environment, and output/ with its models
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Python versions that pyenv keeps, for tox to find them.
PYENV := $(subst $(eval) ,:,$(wildcard $(or $(PYENV_ROOT),$(HOME)/.pyenv)/versions/*/bin))

lint = $(BIN)/ruff check && for platform in linux darwin win32; do $(BIN)/mypy --platform $$platform || exit 1; done

.PHONY: replay test test-here test-installations test-all bench notebooks site test-site lab clean

replay: $(VENV)/installed-fast
	$(BIN)/python replay.py

test: $(VENV)/installed-test
	$(lint)
	$(MAKE) --jobs=2 test-here test-installations

# In parallel: the installations mostly wait for downloads.
test-here test-installations: $(VENV)/installed-test

test-here:
	$(BIN)/python -m pytest -n 2 --dist worksteal

test-installations:
	PATH="$(PYENV):$$PATH" $(BIN)/tox run-parallel --parallel 2 --parallel-no-spinner -e oldest,oldest-fast,newest,newest-fast

test-all: $(VENV)/installed-test
	$(lint)
	FUZZ_EXAMPLES=60000 $(BIN)/python -m pytest -m ""
	PATH="$(PYENV):$$PATH" $(BIN)/tox run

bench: $(VENV)/installed-bench
	$(BIN)/python -m benchmarks.bench $(if $(THEANO_PYTHON),--theano-python $(THEANO_PYTHON))

notebooks: $(VENV)/installed-fast,notebooks
	$(BIN)/python notebooks/make_notebooks.py

site: output/trained/dA.npz
	$(BIN)/python site/make_site.py output/site --models output/trained

# Whatever the weights depend on.
output/trained/dA.npz: dA.py logistic_sgd.py utils.py $(wildcard theano_tutorial/*.py theano_tutorial/*/*.py) \
    | $(VENV)/installed-fast,notebooks
	$(BIN)/python dA.py --output-dir output/trained

test-site: $(VENV)/installed-test
	$(BIN)/python -m pytest -m "" tests/test_site.py

lab: $(VENV)/installed-fast,notebooks
	$(BIN)/jupyter lab --notebook-dir=notebooks $(if $(filter 0,$(shell id -u)),--allow-root)

# Most modules of the packages are never used: Python compiles the others when they are imported first, if it may write
# them.
INSTALL := install --quiet --disable-pip-version-check $(if $(PYTHONDONTWRITEBYTECODE),,--no-compile)

no_venv = { echo "make: no virtual environment; on Debian and Ubuntu first: apt install python3-venv" >&2; exit 1; }

$(BIN)/python:
	@test ! -e $(VENV) || { echo "make: $(VENV) has no bin/python; rename it, or set VENV to another folder" >&2; exit 1; }
	@$(PYTHON) -m venv --without-pip $(VENV) || { rm -rf $(VENV); $(no_venv); }

# With setuptools, which builds this package: else it would be installed anew each time. The pip of $(PYTHON), if it has
# one, saves three seconds of ensurepip.
$(VENV)/with-pip: | $(BIN)/python
	@$(PYTHON) -m pip --python $(BIN)/python $(INSTALL) --upgrade pip setuptools uv 2>/dev/null || { \
	    $(BIN)/python -m ensurepip >/dev/null || $(no_venv); $(BIN)/python -m pip $(INSTALL) --upgrade setuptools; }
	@touch $@

# A stamp for each set of extras: installed once, and again only when the required packages change. uv takes a third of
# pip's time, but does not read pip's configuration, without which it may find no packages.
$(VENV)/installed-%: setup.py pyproject.toml | $(VENV)/with-pip
	$(BIN)/uv pip install --quiet $(if $(PYTHONDONTWRITEBYTECODE),--compile-bytecode) --python $(BIN)/python \
	    --no-build-isolation --editable '.[$*]' 2>/dev/null || \
	    $(BIN)/python -m pip $(INSTALL) --no-build-isolation --editable '.[$*]'
	touch $@

clean:
	rm -rf $(VENV) .tox output notebooks/output build *.egg-info
