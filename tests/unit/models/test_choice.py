"""A person's word stands, until it is handed back; whoever spoke last, and however late."""

from headrace.models.choice import CHAMPION, LEARNING, PERSON, is_pinned, to_serve


def said(version, by, at_ms):
    return {"version": version, "by": by, "changed_at_ms": at_ms}


def test_where_nobody_has_said_it_nothing_is_to_serve():
    assert to_serve({}) is None


def test_what_learning_says_serves_as_long_as_nobody_else_speaks():
    servings = {CHAMPION: said("3000", LEARNING, 5)}
    assert to_serve(servings)["version"] == "3000"
    assert not is_pinned(servings)


def test_a_persons_word_stands_though_learning_writes_after_it():
    servings = {PERSON: said("1000", "ann", 5), CHAMPION: said("4000", LEARNING, 6)}
    assert to_serve(servings)["version"] == "1000"
    assert is_pinned(servings)


def test_handed_back_it_goes_on_until_learning_speaks_again():
    servings = {CHAMPION: said("3000", LEARNING, 4), PERSON: said("1000", LEARNING, 5)}
    assert not is_pinned(servings)
    assert to_serve(servings)["version"] == "1000"
    assert to_serve({**servings, CHAMPION: said("5000", LEARNING, 6)})["version"] == "5000"
