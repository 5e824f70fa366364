"""PyInstaller: the models, what is imported on first use, and the runtime's libraries."""

from PyInstaller.utils.hooks import collect_data_files, collect_dynamic_libs, collect_submodules

# Bundles and texts; modules are found by name because most are imported on first use.
datas = collect_data_files("colordeploy")
hiddenimports = collect_submodules("colordeploy", filter=lambda name: ".pyinstaller" not in name)
hiddenimports.append("onnxruntime")  # imported by its name, after its telemetry is off
binaries = collect_dynamic_libs("onnxruntime")
excludedimports = ["torch", "onnx", "openvino", "tensorrt"]
