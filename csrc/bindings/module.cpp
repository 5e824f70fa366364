#include <pybind11/pybind11.h>

void register_anchors(pybind11::module_& module);
void register_bundle(pybind11::module_& module);
void register_clustering(pybind11::module_& module);
void register_color(pybind11::module_& module);
void register_drawing(pybind11::module_& module);
void register_errors(pybind11::module_& module);
void register_pictures(pybind11::module_& module);
void register_process(pybind11::module_& module);
void register_propagation(pybind11::module_& module);
void register_references(pybind11::module_& module);
void register_region_maps(pybind11::module_& module);
void register_regions(pybind11::module_& module);
void register_strokes(pybind11::module_& module);

PYBIND11_MODULE(_core, module) {
    module.doc() = "Compiled core of colordeploy; use it through colordeploy.native.";
    register_anchors(module);
    register_errors(module);
    register_bundle(module);
    register_clustering(module);
    register_color(module);
    register_drawing(module);
    register_pictures(module);
    register_process(module);
    register_propagation(module);
    register_references(module);
    register_region_maps(module);
    register_regions(module);
    register_strokes(module);
}
