"""The plan: what is new, changed, the same, renamed, gone - before anything is embedded."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ingest.parse import parse_file
from ingest.plan import Known, Plan, content_key, make_plan, plan_removal
from ingest.scan import identity, scan_paths, scan_shipped
from kb.errors import UsageError
from kb.writer import FileState

TEXT = "# Prices\n\nThe Falcon model costs 3 yuan per million tokens.\n"


def write(path: Path, text: str = TEXT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def known(path: Path, source: str, *, corpus: str = "user", title: str = "Prices", settled: bool = True) -> Known:
    """The document that the manifest would have of a file as it is now."""
    status = path.stat()
    checked = time.time_ns() + (10_000_000_000 if settled else 0)
    state = FileState(status.st_size, status.st_mtime_ns, status.st_ino, checked)
    return Known(source, identity(path), corpus, content_key(path.read_bytes(), source), title, state)


def kinds(plan: Plan) -> dict[str, str]:
    return {action.source: action.kind for action in plan.actions}


def test_sources_are_relative_to_the_folder_that_was_given(tmp_path: Path) -> None:
    write(tmp_path / "docs/a.md")
    write(tmp_path / "docs/sub/b.txt")
    single = write(tmp_path / "other/c.md")
    plan = make_plan(scan_paths([str(tmp_path / "docs"), str(single)]), [])
    assert kinds(plan) == {"a.md": "added", "sub/b.txt": "added", "c.md": "added"}


def test_unchanged_files_are_not_even_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "docs/a.md")
    before = known(path, "a.md")
    monkeypatch.setattr("ingest.plan.read_limited", lambda *_: pytest.fail("the file was read"))
    assert kinds(make_plan(scan_paths([str(tmp_path / "docs")]), [before])) == {"a.md": "unchanged"}


def test_a_file_whose_time_cannot_tell_is_compared_by_content(tmp_path: Path) -> None:
    path = write(tmp_path / "docs/a.md")
    before = known(path, "a.md", settled=False)
    status = path.stat()
    path.write_text(TEXT.replace("3 yuan", "4 yuan"), encoding="utf-8")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert kinds(make_plan(scan_paths([str(tmp_path / "docs")]), [before])) == {"a.md": "updated"}


def test_touching_a_file_does_not_make_it_changed(tmp_path: Path) -> None:
    path = write(tmp_path / "docs/a.md")
    before = known(path, "a.md")
    os.utime(path, (1, 1))
    assert kinds(make_plan(scan_paths([str(tmp_path / "docs")]), [before])) == {"a.md": "unchanged"}


def test_a_moved_file_is_renamed_and_not_embedded_again(tmp_path: Path) -> None:
    path = write(tmp_path / "docs/old.md")
    before = known(path, "old.md")
    path.rename(tmp_path / "docs/new.md")
    (action,) = make_plan(scan_paths([str(tmp_path / "docs")]), [before]).actions
    assert (action.kind, action.source, action.old_source) == ("renamed", "new.md", "old.md")


def test_a_renamed_file_whose_title_was_its_name_is_read_again(tmp_path: Path) -> None:
    path = write(tmp_path / "docs/old.md")
    before = known(path, "old.md", title="old")
    path.rename(tmp_path / "docs/new.md")
    (action,) = make_plan(scan_paths([str(tmp_path / "docs")]), [before]).actions
    assert (action.kind, action.source, action.old_source) == ("updated", "new.md", "old.md")


def test_a_copy_is_a_second_source_not_a_renaming(tmp_path: Path) -> None:
    path = write(tmp_path / "docs/a.md")
    before = known(path, "a.md")
    write(tmp_path / "docs/copy.md")
    assert kinds(make_plan(scan_paths([str(tmp_path / "docs")]), [before])) == {"a.md": "unchanged", "copy.md": "added"}


def test_what_is_gone_is_kept_unless_pruning_is_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "docs/a.md")
    write(tmp_path / "docs/b.md", "# Other\n\nText.\n")
    before = known(path, "a.md")
    path.unlink()
    scan = scan_paths([str(tmp_path / "docs")])
    assert kinds(make_plan(scan, [before]))["a.md"] == "gone"
    assert kinds(make_plan(scan, [before], prune=True))["a.md"] == "removed"


def test_pruning_touches_only_what_is_under_the_given_folders(tmp_path: Path) -> None:
    write(tmp_path / "docs/b.md")
    elsewhere = write(tmp_path / "docs2/a.md", "# Other\n\nText.\n")
    before = known(elsewhere, "a.md")
    elsewhere.unlink()
    assert kinds(make_plan(scan_paths([str(tmp_path / "docs")]), [before], prune=True)) == {"b.md": "added"}


def test_two_folders_with_the_same_file_name_do_not_overwrite_each_other(tmp_path: Path) -> None:
    write(tmp_path / "north/prices.md", "# North\n\nOne.\n")
    write(tmp_path / "south/prices.md", "# South\n\nTwo.\n")
    plan = make_plan(scan_paths([str(tmp_path / "north"), str(tmp_path / "south")]), [])
    assert kinds(plan) == {"prices.md": "added", "south/prices.md": "added"}


def test_the_name_once_given_to_a_file_stays_however_it_is_reached(tmp_path: Path) -> None:
    path = write(tmp_path / "docs/sub/a.md")
    before = known(path, "sub/a.md")
    assert kinds(make_plan(scan_paths([str(path)]), [before])) == {"sub/a.md": "unchanged"}


def test_a_folder_that_moved_as_a_whole_keeps_its_sources(tmp_path: Path) -> None:
    path = write(tmp_path / "docs/a.md")
    before = known(path, "a.md")
    (tmp_path / "docs").rename(tmp_path / "moved")
    write(tmp_path / "moved/a.md", TEXT + "\nA new line.\n")
    (action,) = make_plan(scan_paths([str(tmp_path / "moved")]), [before]).actions
    assert (action.kind, action.source, action.old_source) == ("updated", "a.md", "")


def test_a_users_file_never_takes_over_a_shipped_document(tmp_path: Path) -> None:
    shipped = scan_shipped().found[0]
    before = Known(shipped.name, shipped.path, "shipped", "x", "t", shipped.state)
    write(tmp_path / "docs" / shipped.name)
    assert kinds(make_plan(scan_paths([str(tmp_path / "docs")]), [before])) == {f"docs/{shipped.name}": "added"}


def test_hidden_unknown_and_looping_entries_are_not_read(tmp_path: Path) -> None:
    root = tmp_path / "docs"
    write(root / "a.md")
    write(root / ".git/config.md")
    write(root / ".hidden.md")
    write(root / "tool.exe", "MZ")
    (root / "loop").symlink_to(root)
    (root / "outside.md").symlink_to(write(tmp_path / "secret.md"))
    (root / "dangling.md").symlink_to(tmp_path / "nowhere.md")
    os.mkfifo(root / "pipe.md")
    scan = scan_paths([str(root)])
    assert [found.name for found in scan.found] == ["a.md"]
    assert sorted(name for name, _ in scan.skipped) == ["dangling.md", "loop", "outside.md", "pipe.md", "tool.exe"]
    assert not scan.failed


def test_names_with_newlines_emoji_and_undecodable_bytes_are_sources_that_can_be_written_down(tmp_path: Path) -> None:
    root = tmp_path / "docs"
    write(root / "line\nbreak 🚀.md")
    raw = os.fsencode(root) + b"/caf\xe9.md"
    with open(raw, "wb") as stream:
        stream.write(TEXT.encode())
    sources = {found.name: found for found in scan_paths([str(root)]).found}
    assert set(sources) == {"line\nbreak 🚀.md", "caf\\xe9.md"}
    for name, found in sources.items():
        assert found.file is not None
        name.encode("utf-8")
        assert parse_file(found.file, name).blocks


def test_the_index_itself_is_not_a_document(tmp_path: Path) -> None:
    write(tmp_path / "docs/a.md")
    write(tmp_path / "docs/home/write.lock.json", "{}")
    scan = scan_paths([str(tmp_path / "docs")], [tmp_path / "docs/home"])
    assert [found.name for found in scan.found] == ["a.md"]


def test_a_wrong_path_is_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file or folder"):
        scan_paths([str(tmp_path / "nowhere")])


@pytest.mark.parametrize("target", ["sub/a.md", "docs", "docs/sub", "docs/sub/a.md", "sub"])
def test_a_document_can_be_removed_by_source_path_or_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    before = known(write(tmp_path / "docs/sub/a.md"), "sub/a.md")
    monkeypatch.chdir(tmp_path)
    assert kinds(plan_removal([target], [before])) == {"sub/a.md": "removed"}


def test_removing_what_is_not_there_is_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing in the index"):
        plan_removal(["a.md"], [])
