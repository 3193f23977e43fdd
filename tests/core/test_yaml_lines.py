"""YAML with lines: text stays text, and what would not end is refused."""

from __future__ import annotations

import pytest

from pipeline.core.yaml_lines import NotYaml, line_of, read_yaml


def test_values_stay_text_and_have_lines() -> None:
    document, lines = read_yaml("a: no\nb:\n  - 09:00\n  - c: 1\n")
    assert document == {"a": "no", "b": ["09:00", {"c": "1"}]}
    assert (line_of(("a",), lines), line_of(("b", 0), lines), line_of(("b", 1, "c"), lines)) == (1, 3, 4)
    assert line_of(("b", 1, "missing"), lines) == 4
    assert line_of(("nowhere",), lines) == 1
    assert read_yaml("") == (None, {})


BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)
)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: [", "not YAML"),
        ("a: 1\na: 2\n", "given twice"),
        ("? [1, 2]\n: x\n", "a key must be plain text"),
        ("&a [*a]", "nested too deep"),
        ("[" * 5000, "n"),
        (BOMB, "values"),
        ("a: \x00", "not YAML"),
    ],
)
def test_what_is_no_configuration_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(NotYaml, match=complaint):
        read_yaml(text)
