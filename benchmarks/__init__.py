"""Times penlight against the rivals installed, case by case, and against the machine's own limit."""
