"""SSCN (Bai et al., ECCV 2022): colour from an example, first its tone, then its details."""
