"""The papers' protocols on held-out pictures."""
