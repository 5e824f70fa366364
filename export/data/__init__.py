"""Training data: archives of pictures and made-up user input."""
