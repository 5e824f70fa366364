// Graphs on ONNX Runtime, on the CPU, which is opened when it is first needed.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "graph.hpp"

namespace colordeploy::runtime {

class OrtLibrary;

// ONNX Runtime's library by its path; empty: by the environment's COLORDEPLOY_ONNXRUNTIME, else as
// the system finds it. It reports to nobody: its telemetry is off. One for each path, kept while
// graphs need it. Throws BackendError.
std::shared_ptr<const OrtLibrary> open_onnxruntime(const std::string& path);

// threads: at least 1. Throws BackendError.
std::shared_ptr<const Graph> load_onnx(std::shared_ptr<const OrtLibrary> library,
                                       const std::string& content, const std::string& name,
                                       const std::set<std::string>& outputs, int threads);

// Where it was found and its version, for those who ask what there is.
std::string path_of(const OrtLibrary& library);
std::string version_of(const OrtLibrary& library);

}  // namespace colordeploy::runtime
