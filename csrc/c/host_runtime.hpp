// Graphs on a host's own runtime.
#pragma once

#include <colordeploy.h>

#include <memory>
#include <set>
#include <string>

#include "../runtime/graph.hpp"

namespace colordeploy::c {

// Closes the host's runtime when nothing needs it any more.
class HostRuntime {
 public:
    explicit HostRuntime(const cd_runtime& runtime) : runtime_(runtime) {}
    ~HostRuntime() {
        if (runtime_.close != nullptr) runtime_.close(runtime_.user);
    }
    HostRuntime(const HostRuntime&) = delete;
    HostRuntime& operator=(const HostRuntime&) = delete;

    const cd_runtime& callbacks() const { return runtime_; }

 private:
    cd_runtime runtime_;
};

// graph: its name in the bundle; content: its ONNX file, which the host is given where it wants it.
// Throws what the host's status says.
std::shared_ptr<const runtime::Graph> load_on_host(std::shared_ptr<const HostRuntime> host,
                                                   const std::string& graph,
                                                   const std::string& content,
                                                   const std::set<std::string>& outputs);

}  // namespace colordeploy::c
