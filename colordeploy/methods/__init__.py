"""The colorization methods, one file each."""
