"""Python code of the user's own: loaded from a file by its name, and told apart by the hash of its text."""

import ast
import hashlib
import importlib.util
import inspect
import linecache
import sys
import sysconfig
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType

from cocoon.core.errors import CocoonError
from cocoon.core.records import SourceFile

PREFIX = "python:"
"""Begins the spec of an agent or model of the user's own, as in `python:my_agents.py:make_supporter`."""

SESSION = "session"
"""Stands for the file of code that was typed into a notebook or at a prompt. The name of a cell changes with it."""

_PACKAGE = str(Path(__file__).resolve().parent.parent)


def split_spec(spec: str) -> tuple[Path, str]:
    """Return file and name of a spec such as `python:FILE.py:NAME`.

    Raises CocoonError for a spec of another form, or a file that does not exist.
    """
    file, colon, name = spec.removeprefix(PREFIX).rpartition(":")
    if not colon or not file.endswith(".py") or not name.isidentifier():
        raise CocoonError(
            f"{spec!r} is not understood. Write python:FILE.py:NAME, such as python:my_agents.py:Listener."
        )
    path = Path(file)
    if not path.is_file():
        raise CocoonError(f"{spec!r}: the file {file} does not exist. Check the path.")
    return path, name


def load_object(spec: str) -> tuple[object, SourceFile]:
    """Return what a spec such as `python:FILE.py:NAME` names, and where it is from.

    Modules beside the file can be imported by it, as if Python had been started with the file. Raises CocoonError with
    file and line for code that fails, or a name that is not in it.
    """
    path, name = split_spec(spec)
    module = _module(path)
    if not hasattr(module, name):
        known = ", ".join(public for public in vars(module) if not public.startswith("_")) or "no name"
        raise CocoonError(f"{path} has no {name!r}. It has {known}.")
    return getattr(module, name), file_source(path)


def file_source(path: Path) -> SourceFile:
    """Return a Python file with the hash of its text, and the modules that it imports from its own folder."""
    imports = tuple(SourceFile(file=str(module), sha=_sha(module.read_bytes())) for module in _imported_by(path))
    return SourceFile(file=str(path), sha=_sha(path.read_bytes()), imports=imports)


def _imported_by(path: Path) -> list[Path]:
    """Return the files of the folder of `path` that its imports lead to, those inside functions too."""
    files, unread = {path}, [path]
    while unread:
        new = {file for file in _imports_of(unread.pop(), path.parent) if file.is_file()} - files
        files |= new
        unread += new
    return sorted(files - {path})


def _imports_of(file: Path, folder: Path) -> Iterator[Path]:
    """Yield where the modules that a file imports would be, if they were in `folder`."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        # Whoever imports the file says so.
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            start, modules = folder, [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = file.parents[node.level - 1] if 0 < node.level <= len(file.parents) else folder
            # Each name may be a module of the package too.
            modules = [".".join(filter(None, (node.module, alias.name))) for alias in node.names]
        else:
            continue
        for module in modules:
            parts = module.split(".")
            # The package itself is named in the manifest by its version.
            depths = range(1, len(parts) + 1) if parts[0] != "cocoon" else ()
            for depth in depths:
                package = start.joinpath(*parts[:depth])
                yield from (package.with_suffix(".py"), package / "__init__.py")


def source_of(value: object) -> SourceFile:
    """Return where the code of an agent that was handed over in Python stands.

    That is the file of its class or function. For what a library made (a compiled graph, say) it is the file of the
    caller. Code that stands in no file, as in a notebook, is told apart by the text of the class, function or cell.
    """
    code = value if inspect.isroutine(value) or inspect.isclass(value) else type(value)
    file = _file_of(code)
    if file is not None and not _is_installed(file):
        return _source_in(file, _text_of(code))
    frame = _caller()
    if frame is None:
        return SourceFile(file=SESSION, sha=_sha(repr(code).encode()))
    return _source_in(frame.f_code.co_filename, "".join(linecache.getlines(frame.f_code.co_filename)))


def _module(path: Path) -> ModuleType:
    resolved = path.resolve()
    name = f"cocoon_own_{resolved.stem}_{_sha(str(resolved).encode())}_{_sha(resolved.read_bytes())}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, resolved)
    if spec is None or spec.loader is None:
        raise CocoonError(f"{path} cannot be loaded as Python.")
    module = importlib.util.module_from_spec(spec)
    if str(resolved.parent) not in sys.path:
        sys.path.append(str(resolved.parent))
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except CocoonError:
        raise
    except Exception as error:
        del sys.modules[name]
        raise CocoonError(f"{path}{_line_of(error, resolved)}: {type(error).__name__}: {error}") from None
    return module


def _line_of(error: Exception, path: Path) -> str:
    if isinstance(error, SyntaxError):
        return f", line {error.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f", line {lines[-1]}" if lines else ""


def _file_of(code: object) -> str | None:
    try:
        return inspect.getsourcefile(code)  # pyright: ignore[reportArgumentType]  (any object; an error for most)
    except (OSError, TypeError):
        # A class that was typed into a notebook has no file, and its methods have the cell.
        return next((method.__code__.co_filename for method in _methods_of(code)), None)


def _text_of(code: object) -> str:
    try:
        return inspect.getsource(code)  # pyright: ignore[reportArgumentType]  (a class or a function, checked above)
    except (OSError, TypeError):
        compiled: CodeType | None = getattr(code, "__code__", None)
        if compiled:
            return repr((compiled.co_code, compiled.co_consts))
        methods = _methods_of(code)
        return repr((_constants_of(code), [_text_of(method) for method in methods])) if methods else repr(code)


def _methods_of(code: object) -> list[FunctionType]:
    return [value for value in vars(code).values() if inspect.isfunction(value)] if inspect.isclass(code) else []


def _constants_of(code: object) -> dict[str, object]:
    plain = (str, int, float, bool, tuple, type(None))
    return {name: value for name, value in vars(code).items() if isinstance(value, plain) and not name.startswith("__")}


def _source_in(file: str, text: str) -> SourceFile:
    path = Path(file)
    return file_source(path) if path.is_file() else SourceFile(file=SESSION, sha=_sha(text.encode()))


def _is_installed(file: str) -> bool:
    libraries = {sysconfig.get_path(name) for name in ("purelib", "platlib", "stdlib")}
    return file.startswith(tuple(f"{folder}/" for folder in libraries))


def _caller() -> FrameType | None:
    frame = inspect.currentframe()
    while frame is not None and (
        frame.f_code.co_filename.startswith(f"{_PACKAGE}/") or _is_installed(frame.f_code.co_filename)
    ):
        frame = frame.f_back
    return frame


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:12]
