"""IDs that may be meant by one that does not exist."""

import pytest

from pyasynq.inspector.explain.near import near_ids

ID = "2f0c3a9e-1111-4222-8333-444455556666"
OTHER = "9d7b1c55-7777-4888-9999-aaaabbbbcccc"


@pytest.mark.parametrize(
    "typed",
    [
        ID[:8],
        ID[:-1],
        ID.upper(),
        f" {ID}",
        ID.replace("4222", "4322"),
        ID.replace("-", ""),
        ID.replace("2f0c", "2fc0"),
    ],
)
def test_a_part_or_a_slip_leads_to_the_id(typed):
    assert near_ids(typed, [(OTHER, "retry"), (ID, "archived")]) == ((ID, "archived"),)


@pytest.mark.parametrize("typed", ["a", "2f", "1111", "nowhere", OTHER])
def test_what_resembles_nothing_leads_to_nothing(typed):
    assert near_ids(typed, [(ID, "archived")]) == ()


def test_the_nearest_come_first_and_only_some():
    listed = [(f"order:{number}", "retry") for number in range(10, 30)]

    found = near_ids("order:1", [*listed, ("ORDER:1", "pending")])

    assert found[0] == ("ORDER:1", "pending")
    assert len(found) == 3
