"""The backend's directory goes with its front, or with the next one."""

import os
from pathlib import Path

from heron_grpc.serving.backend_home import BackendHome

LONG_AGO = (1e9, 1e9)


def test_closing_removes_it(tmp_path: Path) -> None:
    home = BackendHome(tmp_path)
    (home.path / "metrics").mkdir()
    home.close()
    assert not any(tmp_path.iterdir())


def test_one_whose_front_was_killed_is_removed_by_the_next(tmp_path: Path) -> None:
    front = os.fork()
    if front == 0:
        # Ends as a killed process does: nothing is cleared up.
        home = BackendHome(tmp_path)
        (home.path / "metrics").mkdir()
        os.utime(home.path, LONG_AGO)
        os._exit(0)
    os.waitpid(front, 0)
    (abandoned,) = tmp_path.iterdir()
    home = BackendHome(tmp_path)
    assert [*tmp_path.iterdir()] == [home.path]
    assert home.path != abandoned
    home.close()


def test_one_that_is_held_new_or_not_ours_stays(tmp_path: Path) -> None:
    held = BackendHome(tmp_path)
    os.utime(held.path, LONG_AGO)
    new = tmp_path / "heron-backend-new"
    new.mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "document").touch()
    link = tmp_path / "heron-backend-link"
    link.symlink_to(elsewhere)
    os.utime(link, LONG_AGO, follow_symlinks=False)
    BackendHome(tmp_path).close()
    assert {*tmp_path.iterdir()} == {held.path, new, elsewhere, link}
    assert (elsewhere / "document").exists()
    held.close()
