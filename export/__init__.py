"""Training and export of colordeploy's models in PyTorch; not part of the runtime."""
