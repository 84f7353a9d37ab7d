"""What a broker and its clients promise: one suite, run against the fake and the real one."""
