"""An operator comes with a model in plain Python that hypothesis holds it to, and a shown map."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import pytest
from hypothesis import is_hypothesis_test

from tests.transforms.operator_examples import EXAMPLES
from transforms.engine.operators.registry import OPERATORS

MODELS: Mapping[str, tuple[str, ...]] = {
    "each_operator_agrees_with_a_naive_model": (
        "normalise: test_normalise",
        "filter: test_filter_by_each_text_rule",
        "select: test_select",
        "tokenise: test_tokenise",
        "pack: test_pack",
        "pack: test_pack_best_fit",
    ),
    "more_operators_agree_with_a_naive_model": (
        "dedup_exact: test_dedup_exact_keeps_the_first_of_each_key",
        "image_resize: test_image_resize",
        "image_size: test_image_size",
        "language: test_language",
        "python: test_python",
        "quality: test_quality",
        "redact: test_redact",
    ),
    "a_conversation_becomes_one_text": ("chat: test_rows_are_those_that_jinja_makes",),
    "a_line_stands_once_in_a_text": ("dedup_lines: test_what_stood_before_goes",),
    "a_sample_is_the_same_whatever_the_shards": ("sample: test_rows_are_those_of_plain_python",),
    "a_text_has_the_vector_that_its_model_gives": (
        "embed: test_any_rows_have_the_vectors_of_the_network",
    ),
    "a_text_is_cut_where_it_has_a_seam": ("chunk: test_rows_are_the_chunks_of_each_text",),
    "derived_columns_see_one_row_and_nothing_else": (
        "derive: test_values_are_those_of_plain_python",
    ),
    "images_are_measured_and_kept_by_size": (
        "image_filter: test_each_row_has_the_fate_of_the_first_rule_it_breaks",
    ),
    "images_that_look_alike_stand_once": (
        "dedup_images: test_the_first_of_each_cluster_stays_whatever_the_shards",
    ),
    "a_join_gives_what_a_loop_over_both_sides_gives": (
        "join: test_a_join_is_what_a_loop_over_both_sides_gives",
    ),
    "a_mixture_keeps_its_weights": (
        "mixture: test_the_result_is_the_largest_that_has_the_weights",
    ),
    "near_duplicates_are_those_of_exact_jaccard": (
        "near_dedup: test_all_that_is_dropped_is_alike_and_what_is_equal_is_dropped",
    ),
    "no_row_repeats_a_benchmark": ("decontaminate: test_rows_are_those_of_plain_python",),
    "prompts_that_begin_alike_are_neighbours": (
        "prefix_group: test_texts_are_in_order_and_whole_characters_are_counted",
        "prefix_group: test_token_ids_are_in_order_and_counted",
    ),
    "rename_and_cast_keep_every_value_they_can": (
        "rename: test_rename",
        "cast: test_cast_finds_each_bad_value",
    ),
    "rows_move_between_shards_and_none_is_lost": (
        "shuffle: test_shuffle_orders_by_a_hash_of_seed_shard_and_row",
        "sort: test_sort_is_that_of_python_and_stable",
    ),
    "text_in_the_wrong_encoding_is_read_right": (
        "fix_encoding: test_each_line_is_what_ftfy_makes_of_it",
    ),
}
"""In which file of this folder which test holds which operator to a model."""


def _tests() -> list[tuple[str, str, str]]:
    """Return (file, operator, test)."""
    return [(file, *line.split(": ")) for file, lines in MODELS.items() for line in lines]  # type: ignore[misc]  # two parts


@pytest.mark.parametrize(("file", "operator", "test"), _tests())
def test_a_model_is_held_against_the_operator_by_hypothesis(
    file: str, operator: str, test: str
) -> None:
    module = import_module(f"tests.transforms.test_{file}")
    assert is_hypothesis_test(getattr(module, test))
    assert OPERATORS[operator] in vars(module).values(), "the file does not know the operator"


def test_no_operator_is_without_a_model_or_without_a_shown_map() -> None:
    assert {operator for _, operator, _ in _tests()} == set(OPERATORS)
    assert set(EXAMPLES) == set(OPERATORS)
    assert all(type(EXAMPLES[name].step) is OPERATORS[name] for name in EXAMPLES)
