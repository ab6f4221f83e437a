"""The Python of the README runs, in the order in which it stands there."""

import re
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"


def test_the_python_of_the_readme_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(
        r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    assert len(blocks) >= 2
    for number, block in enumerate(blocks):
        exec(compile(block, f"README.md, block {number + 1}", "exec"), {"__name__": "__readme__"})
    assert "def kernel(" in capsys.readouterr().out


def test_nothing_is_left_to_measure():
    assert "@@" not in README.read_text(encoding="utf-8")
