# make test: what continuous integration runs, at most five minutes on two cores.  make test-all: the slow ones too.
.PHONY: test test-all lint format docs results

test:
	python -m pytest -q -n auto --dist loadfile -m "not slow and not gpu and not data"

test-all:
	python -m pytest -q --timeout 3600

lint:
	ruff check .
	ruff format --check .
	mypy

docs: # the generated parts of docs/
	python docs/generate.py

results: # figures in README, docs/ and the headers of recipes, from docs/results/
	python docs/results.py

format:
	ruff check --fix .
	ruff format .
