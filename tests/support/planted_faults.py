"""The faults that a verification must find, planted in a correct history before it is written."""

from collections.abc import Callable

from support.decided_history import Outputs


def decide_an_event_twice(outputs: Outputs) -> None:
    outputs.decisions.insert(5, outputs.decisions[4])


def drop_a_decision(outputs: Outputs) -> None:
    repeated = {a.fields["event_id"] for a in outputs.audits if a.fields["kind"] == "duplicate"}
    decisions = outputs.decisions
    decisions.remove(next(d for d in decisions[5:] if d.fields["event_id"] not in repeated))


def swap_two_decisions_of_a_key(outputs: Outputs) -> None:
    decisions = outputs.decisions
    key = decisions[5].key
    first, second = [at for at, decision in enumerate(decisions) if decision.key == key][:2]
    decisions[first], decisions[second] = decisions[second], decisions[first]


def change_one_cent(outputs: Outputs) -> None:
    outputs.decisions[5].fields["amount_minor"] += 1


def alter_an_audit_record(outputs: Outputs) -> None:
    audit = next(audit for audit in outputs.audits[5:] if audit.fields["kind"] == "decision")
    audit.fields["decision_sha256"] = b"x" * 32


def drop_an_audit_record(outputs: Outputs) -> None:
    audit = next(audit for audit in outputs.audits[5:] if audit.fields["kind"] == "decision")
    outputs.audits.remove(audit)


PLANTED: dict[str, tuple[Callable[[Outputs], None], set[str]]] = {
    "a planted duplicate": (
        decide_an_event_twice,
        {"one-fate", "counts-balance", "amounts-balance"},
    ),
    "a dropped decision": (
        drop_a_decision,
        {"no-event-lost", "audit-has-decision", "counts-balance", "amounts-balance"},
    ),
    "a swapped pair": (swap_two_decisions_of_a_key, {"input-order"}),
    "a one-cent change": (
        change_one_cent,
        {"decision-agrees", "audit-decision-digest", "amounts-balance"},
    ),
    "an altered audit record": (alter_an_audit_record, {"audit-decision-digest"}),
    "a missing audit record": (drop_an_audit_record, {"decision-audited"}),
}
"""What is planted, and every check that must fail for it."""
