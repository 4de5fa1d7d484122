# make test: what continuous integration runs, at most five minutes on two cores.  make test-all: the slow ones too.
.PHONY: test test-all lint format docs results site mutants

test:
	python -m pytest -q -n auto --dist loadfile --no-loadscope-reorder -m "not slow and not gpu and not data"

test-all:
	python -m pytest -q --timeout 3600

lint:
	ruff check .
	ruff format --check .
	mypy
	lint-imports

# Changes the modules that `[mutmut]` in setup.cfg names, one place at a time, and asks whether a test notices. It goes on
# where it was stopped; MODULE=evokit.measuring.measure runs that module alone, anew. Modules lie flat because mutmut
# names a module by its path. The first lines of the answer count, the others name what no test noticed: `mutmut show
# NAME` in there.
MODULE =
mutants:
	mkdir -p build/mutants
	cp -ru conftest.py setup.cfg evokit plugins/evokit_* tests build/mutants/
	cd build/mutants && OMP_NUM_THREADS=1 mutmut run $(if $(MODULE),'$(MODULE).x*')
	cd build/mutants && mutmut results --all true | sed -E 's/\.x[_ǁ].*: / /' | sort | uniq -c && mutmut results

docs: # the generated parts of docs/
	python docs/generate.py

results: # figures in README, docs/ and the headers of recipes, and the gallery's pictures, from docs/results/
	python docs/results.py
	python docs/gallery.py

site: # docs/ as a site in build/site; needs the extra `docs`
	NO_MKDOCS_2_WARNING=1 mkdocs build --strict

format:
	ruff check --fix .
	ruff format .
