"""Encoders that have seen the world: ImageNet-trained, frozen under the photo models."""
