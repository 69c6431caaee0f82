"""A long run under mixed load with faults, and what of a process it leaves behind."""
