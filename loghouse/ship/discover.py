"""Finding log files: a walk over the given paths, repeated often, that reads again only what changed."""

from __future__ import annotations

import os
import stat
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from sys import intern
from types import MappingProxyType

from msgspec import Struct

from loghouse.errors import UsageError
from loghouse.ship.paths import (
    DOCKER_SUFFIX,
    LogFile,
    Origin,
    Rotation,
    docker_log,
    plain_log,
    pod_directory,
    pod_log,
    workload_of,
)
from loghouse.ship.problems import Problems

DEPTH = 16  # directories below a given path
YOUNG = 60_000_000_000  # ns after which a new directory is taken for complete
SETTLED = 1_000_000_000  # ns between a change of a directory and our look that make sure we saw all of it
_NO_FILES: Files = MappingProxyType({})  # a plain dictionary would be copied for each listing
CONTAINER_ROOTS = ("pods", "containers")  # below these only names that a runtime gives are logs


Files = Mapping[str, int]  # the regular files of a directory and their inodes


class Found(Struct, frozen=True, gc=False):
    """A lineage and its files, oldest first; `superseded` when the container was started again since.

    `directory` is where a change of its files is told.
    """

    origin: Origin
    files: tuple[LogFile, ...]
    directory: str
    superseded: bool = False


class _Listing(Struct, gc=False):
    """What a directory holds. There may be 100,000, so what is empty is shared, and paths are made anew.

    `changed_at` is -1 unless we looked late enough after a change to have seen all of it. `files` are dropped
    once `found` is made of them, unless there are links. `found` is None of one that was never read.
    """

    name: str
    changed_at: int = -1
    directories: tuple[_Listing, ...] = ()  # by name
    files: Files = _NO_FILES
    links: tuple[str, ...] = ()
    found: tuple[Found, ...] | None = None


class Discovery:
    """Looks for the logs below `roots`; a root may be a directory or a single file.

    `own` is the directory of the shipper's own state, which would never come to rest if it were shipped.
    """

    def __init__(self, roots: Sequence[str], node: str, problems: Problems, own: str = "") -> None:
        self._roots = [os.path.realpath(root) for root in roots]
        self._own = os.path.realpath(own) if own else ""
        self._node = node
        self._problems = problems
        self._trees: dict[str, _Listing] = {}  # by root
        self._newest = 0  # when a directory that was new to us changed last
        self._singles: dict[str, tuple[Found, ...]] = {}  # by root
        for root, given in zip(self._roots, roots, strict=True):
            if not os.path.exists(root):
                raise UsageError(
                    f'no such file or directory: "{given}"', "Name a directory of logs or a log file"
                )

    def scan(self) -> dict[str, Found]:
        """All lineages there are now. An unchanged one is the same object as before."""
        result: dict[str, Found] = {}
        for root in self._roots:
            if os.path.isdir(root):
                plain = os.path.basename(root) not in CONTAINER_ROOTS
                tree = self._trees.setdefault(root, _Listing(root))
                found: Iterable[Found] = self._walk(root, tree, DEPTH, plain)
            else:
                found = self._single(root)
            for each in found:
                result.setdefault(each.origin.lineage, each)
        return _without_doubles(result)

    @property
    def restless(self) -> bool:
        """Whether more is to be expected in directories that are new."""
        return time.time_ns() - self._newest < YOUNG

    def stirred(self) -> bool:
        """Whether something has come or gone right below the given paths since the last look: new pods do."""
        return any(self.outdated(root) for root in self._roots)

    def outdated(self, directory: str) -> bool:
        """Whether a directory has changed since it was looked at."""
        try:
            changed_at = os.stat(directory).st_mtime_ns
        except OSError:
            return True
        listing = self._listing(directory)
        return listing is not None and listing.changed_at != changed_at

    def _listing(self, directory: str) -> _Listing | None:
        """What is known of a directory."""
        for root, tree in self._trees.items():
            above = root.rstrip(os.sep) + os.sep
            if directory == root:
                return tree
            if directory.startswith(above) and (found := _below(tree, directory[len(above) :])):
                return found
        return None

    def _single(self, path: str) -> Iterable[Found]:
        """Only this file, though named by its place if that is a container's."""
        directory, name = os.path.split(path)
        try:
            files = {name: os.stat(path).st_ino}
        except OSError:
            return []
        found = self._classify(directory, files, ()) or self._plain(directory, files)
        self._singles[path] = _same(found, self._singles.get(path))
        return self._singles[path]

    def _walk(self, directory: str, listing: _Listing, depth: int, plain: bool) -> Iterable[Found]:
        before = listing.found
        if directory == self._own or not self._look(directory, listing):
            return
        if listing.found is None or listing.links:
            # What a link leads to may change without this directory.
            found = self._classify(directory, listing.files, listing.links)
            if not found and plain and pod_directory(os.path.basename(directory)) is None:
                found = self._plain(directory, listing.files)
            listing.found = _same(found, before)
            if not listing.links:
                listing.files = _NO_FILES
        yield from listing.found
        if depth == 0:
            if listing.directories:
                self._problems.tell("directories too deep, not looked into", directory)
            return
        above = directory.rstrip(os.sep)
        for below in listing.directories:
            yield from self._walk(f"{above}{os.sep}{below.name}", below, depth - 1, plain)

    def _look(self, directory: str, listing: _Listing) -> bool:
        """Read a directory again if it has changed; whether anything is known of it."""
        try:
            changed_at = os.stat(directory).st_mtime_ns
            if listing.changed_at == changed_at:
                return True
            read_at = time.time_ns()
            if listing.found is None:
                self._newest = max(self._newest, min(changed_at, read_at))
            directories, files, links = self._read(directory)
        except FileNotFoundError:  # gone since we saw its name
            listing.changed_at, listing.directories, listing.found = -1, (), None
            return False
        except OSError as error:
            self._problems.tell("cannot read directory", directory, error.strerror)
            return listing.found is not None
        known = {below.name: below for below in listing.directories}
        listing.changed_at = changed_at if changed_at < read_at - SETTLED else -1
        listing.directories = tuple(known.get(name) or _Listing(name) for name in sorted(directories))
        listing.files, listing.links, listing.found = files or _NO_FILES, tuple(links), None
        return True

    def _read(self, directory: str) -> tuple[list[str], dict[str, int], list[str]]:
        """The names of the directories, regular files and links in a directory."""
        directories: list[str] = []
        files: dict[str, int] = {}
        links: list[str] = []
        of_pod = (
            pod_directory(os.path.basename(directory)) is not None
        )  # whose containers have the same names
        with os.scandir(directory) as entries:
            for entry in entries:
                if entry.is_symlink():
                    links.append(entry.name)
                elif entry.is_dir():
                    directories.append(intern(entry.name) if of_pod else entry.name)
                elif entry.is_file():
                    files[intern(entry.name)] = entry.inode()
                elif pod_log(entry.name) or docker_log(entry.name) or entry.name.endswith(".log"):
                    self._problems.tell("not a regular file, passed over", entry.path)
        return directories, files, links

    def _classify(self, directory: str, files: Files, links: Sequence[str]) -> list[Found]:
        """The logs of a container's directory, in the pods tree or Docker's; nothing for any other."""
        above, name = os.path.split(directory)
        pod = pod_directory(os.path.basename(above))
        if pod:
            return self._pod_container(directory, pod, name, files, links)
        if len(name) >= 12 and f"{name}{DOCKER_SUFFIX}" in files:
            origin = Origin(lineage=f"docker/{name}", wrapper="docker", container=name[:12])
            return [
                Found(origin, log_files, directory)
                for log_files in _by_base(directory, files, docker_log).values()
            ]
        self._refuse_links(directory, links)
        return []

    def _pod_container(
        self,
        directory: str,
        pod: tuple[str, str, str],
        container: str,
        files: Files,
        links: Sequence[str],
    ) -> list[Found]:
        namespace, name, uid = intern(pod[0]), pod[1], pod[2]
        listed = _by_base(directory, files, pod_log)
        for link in links:
            rotation = pod_log(link)
            target = self._docker_target(os.path.join(directory, link)) if rotation else None
            if rotation and target:
                listed[rotation.base] = target
        newest = max((int(base) for base in listed), default=0)
        workload = intern(workload_of(name, self._node))
        return [
            Found(
                Origin(
                    lineage=f"{namespace}_{name}_{uid}/{container}/{base}",
                    wrapper="cri",
                    namespace=namespace,
                    pod=name,
                    container=intern(container),
                    workload=workload,
                    pod_uid=uid,
                    restart=min(int(base), 0xFFFFFFFF),
                ),
                log_files,
                os.path.dirname(log_files[-1].path) if links else directory,
                superseded=int(base) < newest,
            )
            for base, log_files in sorted(listed.items(), key=lambda item: int(item[0]))
        ]

    def _docker_target(self, link: str) -> tuple[LogFile, ...] | None:
        """The files of the Docker container that a pod's log links to; links to anything else are refused.

        A pod that may write to /var/log could plant a link to any file of the node.
        """
        target = os.path.realpath(link)
        directory, name = os.path.split(target)
        rotation = docker_log(name)
        if rotation is None or os.path.basename(directory) != rotation.base:
            self._problems.tell("link to something that is no container log, refused", link, target)
            return None
        try:
            with os.scandir(directory) as entries:
                files = {
                    entry.name: entry.inode() for entry in entries if entry.is_file(follow_symlinks=False)
                }
        except FileNotFoundError:
            return None
        except OSError as error:
            self._problems.tell("cannot read directory", directory, error.strerror)
            return None
        return _by_base(directory, files, docker_log).get(rotation.base)

    def _plain(self, directory: str, files: Files) -> list[Found]:
        return [
            Found(Origin(lineage=os.path.join(directory, base)), log_files, directory)
            for base, log_files in _by_base(directory, files, plain_log).items()
        ]

    def _refuse_links(self, directory: str, links: Sequence[str]) -> None:
        for name in links:
            path = os.path.join(directory, name)
            target = os.path.realpath(path)
            inside = any(target == root or target.startswith(f"{root}{os.sep}") for root in self._roots)
            if not inside and plain_log(name) and _is_file(target):
                self._problems.tell("link that leaves the given paths, refused", path, target)


def _same(found: Iterable[Found], before: Iterable[Found] | None) -> tuple[Found, ...]:
    """What was found, each that has not changed as the object it was before."""
    known = {each.origin.lineage: each for each in before or ()}
    return tuple(old if (old := known.get(each.origin.lineage)) == each and old else each for each in found)


def _below(listing: _Listing, path: str) -> _Listing | None:
    """The listing of a path below."""
    for name in path.split(os.sep):
        place = bisect_left(listing.directories, name, key=lambda below: below.name)
        if place == len(listing.directories) or listing.directories[place].name != name:
            return None
        listing = listing.directories[place]
    return listing


def _by_base(
    directory: str, files: Files, take_apart: Callable[[str], Rotation | None]
) -> dict[str, tuple[LogFile, ...]]:
    """The files that belong together, oldest first; one that is being compressed appears once, as it was."""
    groups: defaultdict[str, list[LogFile]] = defaultdict(list)
    for name, inode in files.items():
        rotation = take_apart(name)
        if rotation and not (rotation.compressed and name.removesuffix(".gz") in files):
            path = os.path.join(directory, name)
            groups[rotation.base].append(LogFile(path, rotation.age, rotation.compressed, inode))
    return {base: tuple(sorted(group, key=lambda file: file.age)) for base, group in groups.items()}


def _without_doubles(found: dict[str, Found]) -> dict[str, Found]:
    """Docker's own directories are left out where the pods tree leads to the same files."""
    if all(each.origin.pod for each in found.values()):
        return found
    in_pods = {each.files[-1].path for each in found.values() if each.origin.pod and each.files}
    return {
        lineage: each
        for lineage, each in found.items()
        if each.origin.pod or not (each.files and each.files[-1].path in in_pods)
    }


def _is_file(path: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return False
