"""Due times are found again by partition and offset."""

import numpy as np

from headrace.simulator.due import DueTimes


def test_due_times_are_found_by_partition_and_offset():
    due = DueTimes()
    for partition, offset, due_s in [(0, 10, 1.0), (1, 4, 1.5), (0, 12, 2.0)]:
        due.record(partition, offset, due_s)
    assert due.due_s(0, np.array([12, 10])).tolist() == [2.0, 1.0]
    assert due.due_s(1, np.array([4])).tolist() == [1.5]


def test_what_others_published_has_no_due_time():
    due = DueTimes()
    due.record(0, 10, 1.0)
    due.record(0, 12, 2.0)
    assert np.isnan(due.due_s(0, np.array([9, 11, 13]))).all()
    assert np.isnan(due.due_s(5, np.array([10]))).all()
