"""Losses, layers and training loops."""
