# Everything runs in .venv, made from requirements.lock. A fresh machine needs Python 3.11 or newer, make and (for tests) apt.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
READY := .venv/.ready
APT := $(shell [ "$$(id -u)" = 0 ] || echo sudo) env DEBIAN_FRONTEND=noninteractive apt-get
PORT ?= 8866
APART := tests/fuzz tests/dashboard/serving tests/browser    # servers, browsers and processes that are timed: not beside what computes for minutes
TWO := -n 2 --dist loadfile --no-loadscope-reorder               # two at a time, in the order of tests/conftest.py

.PHONY: dashboard lab test docs data models site benchmark fuzz picture lock clean

dashboard: $(READY)            ## the dashboard in the browser, on the data that came with the repository
	$(BIN)/elnes-lab serve --port $(PORT)

lab: $(READY)                  ## the notebooks in JupyterLab
	$(BIN)/jupyter lab --notebook-dir=notebooks

test: $(READY) chromium nginx  ## everything, browser tests and a small first-principles run included
	$(BIN)/ruff check -q . && $(BIN)/ruff format -q --check .
	@$(MAKE) -s engine || echo "No engine: the tests that run it are skipped."
	$(BIN)/python -m pytest -q $(TWO) $(APART:%=--ignore=%)
	$(BIN)/python -m pytest -q $(TWO) $(APART)

docs: $(READY)                 ## the documentation as a site without a server, build/docs/index.html
	$(BIN)/python -m sphinx -q -W --keep-going -E -d build/doctrees docs build/docs && echo "build/docs/index.html"

data: $(READY)                 ## the database again, from data/raw; its card data/README.md and the review docs/physics.md
	$(BIN)/elnes-lab build
	$(BIN)/elnes-lab card data/README.md
	$(BIN)/elnes-lab physics docs/physics.md

models: $(READY)               ## the pre-trained models, their evaluation and the reports docs/learning.md, docs/quantify.md
	$(BIN)/elnes-lab train --shipped
	$(BIN)/elnes-lab evaluate --json data/models/evaluation.json --docs docs
	$(BIN)/elnes-lab study --docs docs
	$(BIN)/elnes-lab study --quantify --docs docs

site: $(READY)                 ## Browse, Inspect, Core hole and Predict as files in build/site, for any web server; docs/site.md
	$(BIN)/elnes-lab site build/site

.PHONY: engine
engine: $(READY)               ## Quantum ESPRESSO in .venv-engine, for `elnes-lab compute`; nothing to do if one is on PATH
	@ls /usr/lib/*-linux-gnu/libfftw3.so.3 /usr/lib/*-linux-gnu/openblas-*/libopenblas.so.0 >/dev/null 2>&1 || ! command -v apt-get >/dev/null || \
	  { $(APT) update -q && $(APT) install -y -q --no-install-recommends libopenblas0-pthread libfftw3-double3; } || true   # 6 times faster
	$(BIN)/elnes-lab engine --install

.PHONY: queue
queue: engine                  ## computes what data/raw lacks of its list, into data/raw; start it again at any time, then `make data`
	$(BIN)/elnes-lab compute data/raw/structures.extxyz --output data/raw --quality fast --nice 19

benchmark: $(READY)            ## timings, with nothing else running, as ratios where there is a peer; docs/benchmarks.md
	$(BIN)/python benchmarks/run.py

fuzz: $(READY)                 ## 1,500 damaged files for all readers; the table docs/robustness.md
	$(BIN)/python tests/fuzz --docs

picture: $(READY) chromium     ## the screenshot of README.md, the figure of the first lesson
	$(BIN)/python -m pytest -q tests/browser -k "every_page and Browse"
	mkdir -p docs && cp artifacts/browse-1366-light.png docs/browse.png
	$(BIN)/python docs/picture.py > /dev/null

lock:                          ## pins again, after a change of pyproject.toml
	$(PYTHON) -m venv .venv-lock && .venv-lock/bin/pip install -q --upgrade pip pip-tools
	.venv-lock/bin/pip-compile -q --extra test --extra docs --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-options \
	  --no-emit-trusted-host --no-header --no-annotate -o requirements.lock pyproject.toml
	sed -i 's/+cpu$$//' requirements.lock     # torch: which build is the machine's business
	rm -rf .venv-lock

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import ensurepip' 2>/dev/null || { $(APT) update && $(APT) install -y python3-venv; }
	[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -e .
	touch $@

.PHONY: chromium nginx
chromium:
	@command -v chromium >/dev/null || { $(APT) update -q && $(APT) install -y -q --no-install-recommends chromium; }
nginx:
	@command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || { $(APT) update -q && $(APT) install -y -q --no-install-recommends nginx-light; }

clean:
	rm -rf .venv .venv-lock .venv-engine build *.egg-info artifacts
