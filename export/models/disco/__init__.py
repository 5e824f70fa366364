"""DISCO (Xia et al., SIGGRAPH Asia 2022): automatic colour, steered by anchors.

Sub-modules carry the names of the official state dict, so that its checkpoints load as they are.
"""
