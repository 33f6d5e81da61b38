"""A PostgreSQL server of a test's own; the test is skipped where there is none."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.eventually import eventually
from tests.support.ports import free_port

FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


class PostgreSQL:
    """Runs in *folder*, which it owns; as the user postgres if we are root, since it demands so."""

    def __init__(self, folder: Path, *settings: str) -> None:
        self._user = "postgres" if os.geteuid() == 0 else None
        self._settings = settings
        self.data, self.port = folder / "data", free_port()
        if self._user:
            shutil.chown(folder, self._user)
            for each in (folder, *folder.parents):
                if each.is_relative_to("/tmp") and each != Path("/tmp"):
                    each.chmod(0o755)
        self._call("initdb", "-D", self.data, "-U", "shop", "-A", "trust", "--no-sync")
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://shop@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        command = [_found("postgres"), "-D", self.data, "-p", str(self.port), "-k", "", "-F"]
        command += self._settings
        self.process = subprocess.Popen(
            command, user=self._user, stderr=subprocess.DEVNULL, cwd=self.data
        )
        ready = [_found("pg_isready"), "-h", "127.0.0.1", "-p", str(self.port), "-q"]
        eventually(lambda: subprocess.run(ready, check=False).returncode == 0)

    def stop(self, *, kill: bool = False) -> None:
        assert self.process is not None
        self.process.kill() if kill else self.process.terminate()
        self.process.wait()

    def _call(self, program: str, *arguments: object) -> None:
        command = [_found(program), *map(str, arguments)]
        done = subprocess.run(
            command, user=self._user, capture_output=True, check=False, cwd=self.data.parent
        )
        assert done.returncode == 0, done.stderr.decode()


def _found(program: str) -> str:
    path = next(
        (str(each / program) for each in FOLDERS if (each / program).is_file()), None
    ) or shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is absent: apt install postgresql")
    return path
