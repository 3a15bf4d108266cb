"""The house rules as a test: floors, purity, doors, sizes. See `docs/architecture.md`."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "witchery"

FLOORS = (
    {"errors", "value"},
    {"digest", "arch", "codec", "canonical", "http", "keys"},
    {"rootfs", "elf", "sarif", "signing_keys"},
    {"apk", "oci", "loader"},
    {"config", "solver", "registry", "survey"},
    {"compose", "graph", "lock", "payload"},
    {"sbom", "vulns", "audit", "diff", "impact"},
    {"attest", "report"},
    {"net", "store"},
    {"repository"},
    {"build"},
    set[str](),
    {"cli"},
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
PURE = 7
"""The highest floor that knows neither clock, environment, network nor files."""

DOORS = {
    "cryptography": {"keys", "signing_keys"},
    "nacl": {"signing_keys"},
    "sigstore": {"net"},
    "isal": {"codec"},
    "zlib": {"codec"},
    "gzip": {"codec"},
    "backports": {"codec"},
    "compression": {"codec"},
    "json": {"canonical", "config/schema"},
    "urllib3": {"net"},
    "yaml": {"config"},
    "rich": {"cli"},
    "argparse": {"cli"},
    "shtab": {"cli"},
    "tarfile": set[str](),
    "subprocess": {"build"},
}
"""Modules that only these rooms import."""

AMBIENT = {"os", "pathlib", "time", "random", "secrets", "socket", "tempfile", "shutil", "platform", "locale"}
"""Modules that a pure room does not import."""

HEAVY = {
    "urllib3",
    "rich",
    "shtab",
    "cryptography",
    "yaml",
    "jsonschema",
    "concurrent",
    "tempfile",
    "email",
    "nacl",
}
"""Modules that are imported where they are used, never at the top of a module: start-up time."""

LATE = {"net/paced", "net/transport"}
"""Modules that build on a heavy one, and are themselves imported only where they are used."""

MODULES = sorted(SOURCE.rglob("*.py"))


def name_of(module: Path) -> str:
    return str(module.relative_to(SOURCE).with_suffix(""))


def room_of(module: Path) -> str:
    return module.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports(tree: ast.Module) -> Iterator[tuple[str, bool]]:
    """Every imported module, and whether the import stands at the top."""
    top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) in top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            yield node.module or "", id(node) in top
            if node.module == "witchery":
                yield from ((f"witchery.{alias.name}", id(node) in top) for alias in node.names)


each_module = pytest.mark.parametrize("module", MODULES, ids=name_of)


@each_module
def test_a_room_imports_only_lower_floors(module: Path) -> None:
    room = room_of(module)
    if room in ("__init__", "__main__"):
        return
    floor = FLOOR[room]
    for name, _ in imports(ast.parse(module.read_text())):
        parts = name.split(".")
        if parts[0] != "witchery" or len(parts) < 2 or parts[1] in (room, "__version__"):
            continue
        assert FLOOR[parts[1]] < floor, f"{name_of(module)} imports {name}"


@each_module
def test_pure_rooms_know_nothing_of_the_machine(module: Path) -> None:
    if FLOOR.get(room_of(module), 99) > PURE:
        return
    tree = ast.parse(module.read_text())
    used = {name.split(".")[0] for name, _ in imports(tree)}
    assert not used & AMBIENT
    calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert not calls & {"open", "datetime.now", "datetime.datetime.now", "datetime.today", "print", "input"}


@each_module
def test_each_library_has_one_door(module: Path) -> None:
    for name, _ in imports(ast.parse(module.read_text())):
        allowed = DOORS.get(name.split(".")[0])
        if allowed is not None:
            assert room_of(module) in allowed or name_of(module) in allowed, f"{name_of(module)}: {name}"


@each_module
def test_heavy_modules_are_imported_where_they_are_used(module: Path) -> None:
    at_top = {name for name, top in imports(ast.parse(module.read_text())) if top}
    if name_of(module) in LATE:
        return
    assert not {name.split(".")[0] for name in at_top} & HEAVY
    assert not at_top & {"witchery." + late.replace("/", ".") for late in LATE}


@each_module
def test_rooms_stay_small(module: Path) -> None:
    text = module.read_text()
    assert text.count("\n") <= 400, "split the module"
    assert module.stem != "utils"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            if body:
                lines = (body[-1].end_lineno or 0) - body[0].lineno + 1
                assert lines <= 60, f"{node.name} has {lines} lines"


@pytest.mark.parametrize("module", [m for m in MODULES if m.name == "__init__.py"], ids=name_of)
def test_a_room_opens_without_importing_its_furniture(module: Path) -> None:
    if room_of(module) in ("cli", "__init__"):
        return
    assert len(ast.parse(module.read_text()).body) == 1, "only a docstring"
