"""RASC (Liu et al., TIP 2023): colour for line art, region by region, steered by a style code."""
