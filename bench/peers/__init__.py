"""Other solvers for the same system, each behind ``Peer``; absent ones are skipped."""
