# Two commands do everything on a fresh machine with Python (3.11 or newer), git and make:
#   make demo   build and run the example image
#   make test   the whole suite, lint and types included

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test check format docs bench clean

demo: $(VENV)/installed
	@$(BIN)/python examples/application/make.py build/dist
	@echo '$$ witchery build build/dist/hello -o oci:build/application'
	@$(BIN)/witchery build build/dist/hello -o oci:build/application --cache-dir build/cache
	@echo '$$ witchery run oci:build/application'
	@$(BIN)/witchery run oci:build/application || echo '(nothing on this machine can run it: install podman, docker, runc, crun or bubblewrap)'
	@echo
	@echo '$$ witchery build examples/hello/witchery.yaml -o oci:build/hello'
	@$(BIN)/witchery build examples/hello/witchery.yaml -o oci:build/hello --cache-dir build/cache
	@echo '$$ witchery run oci:build/hello'
	@$(BIN)/witchery run oci:build/hello || true
	@echo
	@echo '$$ witchery verify oci:build/hello -k examples/repository/keys'
	@$(BIN)/witchery verify oci:build/hello -k examples/repository/keys --cache-dir build/cache
	@echo
	@echo 'Next, an image of official packages, from the mirrors of Alpine:'
	@echo '  . $(VENV)/bin/activate'
	@echo '  witchery build examples/wget/witchery.yaml -o oci:build/wget'
	@echo '  witchery run oci:build/wget -- --version'

test: $(VENV)/developed check
	$(BIN)/python -m pytest -n 2 --dist loadfile --cov --cov-report term:skip-covered --cov-fail-under 93

check: $(VENV)/developed
	$(BIN)/ruff format --check src tests examples benchmarks
	$(BIN)/ruff check src tests examples benchmarks
	$(BIN)/mypy

format: $(VENV)/developed
	$(BIN)/ruff format src tests examples benchmarks
	$(BIN)/ruff check --fix src tests examples benchmarks

docs: $(VENV)/developed
	$(BIN)/python docs/reference/generate.py

bench: $(VENV)/developed
	$(BIN)/python benchmarks/warm.py
	$(BIN)/python benchmarks/solve.py
	$(BIN)/python benchmarks/scan.py
	$(BIN)/python benchmarks/impact.py
	$(BIN)/python benchmarks/link.py
	$(BIN)/python benchmarks/push.py
	$(BIN)/python benchmarks/report.py

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/developed: $(VENV)/installed requirements-dev.txt
	$(BIN)/python -m pip install --quiet --requirement requirements-dev.txt
	touch $@

clean:
	rm -rf $(VENV) build dist .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis
