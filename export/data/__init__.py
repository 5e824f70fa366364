"""Training data: archives of pictures and synthetic user input."""
