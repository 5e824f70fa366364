"""From checkpoints to bundles: ONNX graphs, golden vectors, manifest."""
