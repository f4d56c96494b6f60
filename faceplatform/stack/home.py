"""The home of both servers: folders, owner and programs, as root and as an ordinary user."""

import importlib.util
import os
import shutil
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from faceplatform.stack import processes
from faceplatform.stack.errors import StackError
from faceplatform.stack.folders import make_closed, private_folder, write_atomically
from faceplatform.stack.layout import SYSTEM_DATA, SYSTEM_SOCKETS, Layout
from faceplatform.stack.service_user import ServiceUser, service_user, system_folder

_OWNER_NOTE = "belongs-to"


@dataclass(frozen=True, slots=True)
class Home:
    """A prepared home. `user` is None when the servers run as the caller."""

    layout: Layout
    user: ServiceUser | None

    @property
    def owner(self) -> int | None:
        return self.user.uid if self.user else None

    @property
    def group(self) -> int | None:
        return self.user.gid if self.user else None

    def folder(self, path: Path) -> Path:
        """Create a folder that only the servers' user may enter."""
        return private_folder(path, owner=self.owner, group=self.group)

    def write(self, path: Path, content: str) -> None:
        """Write a file that only the servers' user may read."""
        write_atomically(path, content, owner=self.owner, group=self.group)


def prepare_var(layout: Layout) -> None:
    """Create the folders of run state and logs."""
    try:
        make_closed(layout.var)
        for path in (layout.run, layout.log):
            private_folder(path)
    except PermissionError as error:
        raise StackError(f"{error.filename} may not be created: {error.strerror}") from None


def prepare_home(layout: Layout) -> Home:
    """Create what the servers need around their data and return it.

    Raises StackError when the data belong to somebody else.
    """
    prepare_var(layout)
    if layout.as_root:
        home = _root_home(layout)
        system_folder(SYSTEM_SOCKETS)
    else:
        if layout.servers.is_symlink():
            raise StackError(
                f"{layout.servers} leads to data of root: start as root, or set another "
                "FACEPLATFORM_VAR"
            )
        home = Home(layout=layout, user=None)
        home.folder(layout.servers)
    home.folder(layout.sockets)
    return home


def _root_home(layout: Layout) -> Home:
    if layout.servers.exists() and not layout.servers.is_symlink():
        owner = layout.servers.stat().st_uid
        raise StackError(
            f"{layout.servers} belongs to user {owner}: start as that user, "
            "or set another FACEPLATFORM_VAR"
        )
    home = Home(layout=layout, user=service_user())
    system_folder(SYSTEM_DATA)
    if not layout.servers.exists():
        layout.servers.unlink(missing_ok=True)
        _set_aside(layout.system_data)
        home.folder(layout.system_data)
        layout.servers.symlink_to(layout.system_data)
    _check_owner(layout, home)
    return home


def _check_owner(layout: Layout, home: Home) -> None:
    """Refuse a copied project that would share its data with the original."""
    note = layout.servers.resolve() / _OWNER_NOTE
    known = note.read_text().strip() if note.exists() else ""
    if known == str(layout.var):
        return
    original = Path(known) / layout.servers.name
    if known and original.is_symlink() and original.resolve() == layout.servers.resolve():
        raise StackError(
            f"{layout.servers} leads to the data of {known}; remove this link to start empty"
        )
    home.write(note, f"{layout.var}\n")


def _set_aside(folder: Path) -> None:
    """Keep the data of an earlier installation at the same path, out of the way."""
    if not folder.exists():
        return
    for identity in processes.matching(lambda process: Path(process.cwd()).parent == folder):
        processes.stop(identity, processes.AT_ONCE)
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    folder.rename(folder.with_name(f"{folder.name}-left-{stamp}"))


@dataclass(frozen=True, slots=True)
class Programs:
    """Folder of a package's programs."""

    bin: Path

    def path(self, name: str) -> str:
        return str(self.bin / name)


def package_folder(package: str) -> Path:
    """Return the folder of an installed package without importing it.

    Raises StackError when it is missing.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise StackError(
            f"the package {package} is not installed; run `make setup`, "
            "or set DATABASE_URL and REDIS_URL to servers of your own"
        )
    return Path(spec.submodule_search_locations[0])


def readable_copy(home: Home, package: str, *parts: str, skip: tuple[str, ...] = ()) -> Path:
    """Return a package's folder where the servers' user can run programs from it.

    As root the environment may lie in a closed home folder, so the named `parts` of
    site-packages are copied once per version of the package. Their places to each other
    stay the same because the programs look for their libraries relative to themselves.
    """
    source = package_folder(package)
    if home.user is None:
        return source
    version = metadata.version(package.replace("_", "-"))
    root = home.folder(home.layout.servers.resolve() / "programs")
    target = root / f"{package}-{version}"
    if not target.exists():
        partial = home.folder(root / f".{target.name}.{os.getpid()}")
        for part in parts:
            _copy_tree(source.parent / part, partial / part, home.user, skip)
        partial.replace(target)
    for old in root.iterdir():
        if old != target and old.name.lstrip(".").startswith(f"{package}-"):
            shutil.rmtree(old)
    return target / source.name


def _copy_tree(source: Path, target: Path, user: ServiceUser, skip: tuple[str, ...]) -> None:
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(*skip))
    for folder, _, files in os.walk(target):
        for name in ("", *files):
            path = Path(folder) / name
            os.chown(path, user.uid, user.gid)
            path.chmod((path.stat().st_mode | 0o500) & 0o700)
