"""Names and their addresses, keys, NDN names and datasets are inverse, and nothing is forged."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.errors import InvalidName
from core.names import COMPONENT, Name, ark, decode_path, encode_path, is_under, segment_uri

components = st.from_regex(COMPONENT, fullmatch=True)
parts = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/"), min_size=1, max_size=12
).filter(lambda part: part not in {".", ".."})
tricky = st.sampled_from(["~", "v=2", "54=2", "32=dp", "50=1", "%41", "a b", "ü", "n", "v=1"])
paths = (
    st.lists(parts | tricky, min_size=1, max_size=4)
    .map("/".join)
    .filter(lambda path: not path.startswith(".fairmesh/") and path != ".fairmesh")
)


@st.composite
def names(draw: st.DrawFn) -> Name:
    domain = tuple(draw(st.lists(components, min_size=1, max_size=3)))
    depth = draw(st.integers(0, 3))
    return Name(
        domain,
        draw(components) if depth > 0 else None,
        draw(st.integers(1, 10**17)) if depth > 1 else None,
        draw(paths) if depth > 2 else None,
    )


@given(names())
def test_every_form_leads_back_to_the_name(name: Name) -> None:
    assert Name.parse(str(name)) == name
    assert Name.from_url_path(name.to_url_path()) == name
    assert Name.from_object_key(name.to_object_key()) == name
    assert Name.from_ndn(name.to_ndn()) == name
    assert Name.from_openlineage(*name.to_openlineage("demo"), mesh="demo") == name


@given(names(), names())
def test_two_names_never_meet_in_one_form(one: Name, other: Name) -> None:
    assume(one != other)
    assert str(one) != str(other)
    assert one.to_object_key() != other.to_object_key()
    assert one.to_ndn() != other.to_ndn()


@given(st.text(max_size=40) | st.lists(tricky | components, max_size=7).map("/".join))
def test_whatever_is_accepted_is_the_one_spelling(text: str) -> None:
    for read, write in (
        (Name.parse, str),
        (Name.from_url_path, Name.to_url_path),
        (Name.from_object_key, Name.to_object_key),
        (Name.from_ndn, Name.to_ndn),
    ):
        for spelt in (text, "/" + text, "/n/" + text):
            try:
                name = read(spelt)
            except InvalidName:
                continue
            assert write(name) == spelt


@given(paths)
def test_a_path_forges_no_marker(path: str) -> None:
    name = Name.parse("/acme/~/wiki/v=1").with_path(path)
    assert (name.domain, name.product, name.version) == (("acme",), "wiki", 1)
    assert Name.parse(str(name)).path == path
    below = str(name).removeprefix("/acme/~/wiki/v=1/")
    assert "=" not in below
    assert decode_path(encode_path(path)) == path


@pytest.mark.parametrize(
    "text",
    ["", "/", "acme", "//acme", "/acme/", "/Acme", "/acme/~", "/~/wiki", "/acme/~/~", "/acme/v=1",
     "/acme/~/wiki/v=0", "/acme/~/wiki/v=01", "/acme/~/wiki/v=-1", "/acme/~/wiki/v=٣",
     "/acme/~/wiki/train", "/acme/~/wiki/v=1/", "/acme/~/wiki/v=1/a//b", "/acme/~/wiki/v=1/../b",
     "/acme/~/wiki/v=1/%2e%2e/b", "/acme/~/wiki/v=1/%41", "/acme/~/wiki/v=1/%2F",
     "/acme/~/wiki/v=1/%ff", "/acme/~/wiki/v=1/a%00", "/acme/~/wiki/v=1/.fairmesh/header",
     "/acme/~/wiki/v=1/ü", "/acme\n", "/" + "a" * 65, "/acme/~/wiki/v=1/" + "a" * 901],
)  # fmt: skip
def test_anything_else_is_refused_with_what_is_wrong(text: str) -> None:
    with pytest.raises(InvalidName, match="is not valid"):
        Name.parse(text)


@pytest.mark.parametrize("uri", ["/acme/~/wiki", "/acme/32=dp/wiki/v=1", "/acme/33=dp/wiki"])
def test_an_ndn_name_is_not_spelt_in_our_own_markers(uri: str) -> None:
    with pytest.raises(InvalidName):
        Name.from_ndn(uri)


@given(names(), components)
def test_below_is_told_by_components_and_not_by_letters(name: Name, more: str) -> None:
    assert is_under(str(name), str(name.domain_name))
    assert is_under(str(name), "/")
    assert not is_under(f"/{name.domain[0]}x/{more}", f"/{name.domain[0]}")


def test_segments_and_arks_are_written_as_their_standards_say() -> None:
    file = Name.parse("/acme/~/wiki/v=3/a.parquet")
    assert segment_uri(file, 7) == "/acme/32=dp/wiki/54=3/a.parquet/50=7"
    assert ark(99999, "b2c3") == "ark:/99999/b2c3"
    for opaque in ("", "b-2", "B2", "a/b"):
        with pytest.raises(InvalidName):
            ark(99999, opaque)
