"""Who may import whom: data flow one way, from sources to the dashboard, and a panel stands alone."""

import ast
from pathlib import Path

import pytest

import elnes_lab

PACKAGE = Path(elnes_lab.__file__).parent
PANELS = ("browse", "train", "inspect", "corehole", "newstructure", "measured")
WIDGETS = ("ipywidgets", "anywidget", "weas_widget", "IPython")
# Folder or file (of elnes_lab) -> what no module in it imports, at any depth of the file.
RULES = {
    "*.py": ("cli", "reports", "dashboard", "learning", "figures", "workshop", *WIDGETS),
    "spectra": ("cli", "reports", "dashboard", "learning", "figures", "database", "store", *WIDGETS),
    "io": ("dashboard", "learning", "figures", *WIDGETS),
    "measured": ("cli", "dashboard", "learning", "figures", *WIDGETS),
    "sources": ("dashboard", "learning", "figures", "database", "store", *WIDGETS),
    "figures": ("dashboard", "learning", "workshop", "database", "store", "build", *WIDGETS),
    "reports": ("cli", "dashboard", "figures", "workshop", *WIDGETS),
    "site": (
        "cli",
        "reports",
        "workshop",
        "dashboard.frame",
        *WIDGETS,
    ),  # the dashboard's models and words, none of its views
    "learning": ("reports", "dashboard", "figures", "workshop", *WIDGETS),
    "learning/*.py": ("learning.studies",),
    "workshop": ("cli", "dashboard", *WIDGETS),
    **dict.fromkeys(("cli", "dashboard"), ("workshop",)),
    "dashboard/common": tuple(f"dashboard.{name}" for name in (*PANELS, "sites", "serving", "frame", "session")),
    "dashboard/sites": tuple(f"dashboard.{name}" for name in (*PANELS, "serving", "frame")),
    "dashboard/serving": tuple(f"dashboard.{name}" for name in (*PANELS, "sites")),
    **{f"dashboard/{one}": tuple(f"dashboard.{name}" for name in (*PANELS, "frame") if name != one) for one in PANELS},
    **{f"dashboard/{one}/model.py": (*WIDGETS, "plotly") for one in (*PANELS, "sites")},
}


def modules(where):
    path = PACKAGE / where
    return sorted(path.rglob("*.py") if path.is_dir() else PACKAGE.glob(where))


def imported(path):
    """Dotted names that a module imports, those of this package without its own name; and what it imports from them."""
    package = [*path.relative_to(PACKAGE).with_suffix("").parts][:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.removeprefix("elnes_lab.") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            name = ".".join([*base, *filter(None, [(node.module or "").removeprefix("elnes_lab.")])])
            yield from (f"{name}.{alias.name}".lstrip(".") for alias in node.names)


@pytest.mark.parametrize("where", RULES)
def test_nothing_points_back(where):
    paths = modules(where)
    assert paths, f"there is no {where}"
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in paths
        for name in imported(path)
        if any(name == banned or name.startswith(f"{banned}.") for banned in RULES[where])
    ]
    assert not wrong, "\n".join(wrong)


def test_the_rules_see_imports_of_all_kinds():
    path = PACKAGE / "dashboard" / "browse" / "view.py"
    names = set(imported(path))
    assert {"dashboard.common.structure.StructureView", "dashboard.browse.model.BrowseModel"} <= names


def test_modules_are_of_a_size_to_read():
    lengths = {path.relative_to(PACKAGE): len(path.read_text().splitlines()) for path in PACKAGE.rglob("*.py")}
    assert {path: length for path, length in lengths.items() if length > 350} == {}


def names_of(path):
    """What a module has at its top, and "*" if it makes names when asked for them."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add("*" if node.name == "__getattr__" else node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return found


def test_every_import_of_the_package_leads_somewhere():
    """Those within functions, too, which fail only when a visitor gets there; the names that are imported as well."""
    files = {".".join(path.relative_to(PACKAGE).with_suffix("").parts): path for path in PACKAGE.rglob("*.py")}
    files |= {name.removesuffix("__init__").removesuffix("."): path for name, path in files.items()}
    names, wrong = {}, []
    for path in sorted(PACKAGE.rglob("*.py")):
        package = [*path.relative_to(PACKAGE).parts][:-1]
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level:
                base = package[: len(package) - node.level + 1]
                name = ".".join([*base, *filter(None, [node.module])])
                if node.level > len(package) + 1 or name not in files:
                    wrong.append(f"{path.relative_to(PACKAGE)}:{node.lineno} imports {name}")
                    continue
                known = names.setdefault(name, names_of(files[name]))
                for alias in node.names:
                    if not ({alias.name, "*"} & known or ".".join(filter(None, [name, alias.name])) in files):
                        wrong.append(f"{path.relative_to(PACKAGE)}:{node.lineno} imports {alias.name} of {name}")
    assert wrong == []


def test_functions_of_the_dashboard_say_what_they_return():
    paths = sorted((PACKAGE / "dashboard").rglob("*.py"))
    found = [(path, node) for path in paths for node in ast.walk(ast.parse(path.read_text()))]
    functions = [(path, node) for path, node in found if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    bare = [
        f"{path.relative_to(PACKAGE)}:{node.lineno} {node.name}" for path, node in functions if node.returns is None
    ]
    assert len(functions) > 400 and not bare, "\n".join(bare)
