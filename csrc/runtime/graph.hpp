// A graph that is ready to run, on whatever runtime.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "../token.hpp"

namespace colordeploy::runtime {

enum class Type : std::int32_t { float32 = 1, int64 = 7, boolean = 9 };  // the numbers of ONNX

std::size_t size_of(Type type);

// An array, row-major, contiguous.
struct TensorView {
    const void* data = nullptr;
    Type type = Type::float32;
    std::vector<std::int64_t> shape;
    std::shared_ptr<const void> owner = nullptr;  // of its memory; null: somebody else

    std::size_t count() const;
    std::size_t bytes() const { return count() * size_of(type); }
};

// An output; its memory lives as long as any copy of it.
struct Tensor : TensorView {
    const float* floats() const { return static_cast<const float*>(data); }
    std::int64_t side(std::size_t axis) const { return shape[axis]; }
};

using Inputs = std::map<std::string, TensorView>;
using Outputs = std::map<std::string, Tensor>;

// Safe to use from several threads.
class Graph {
 public:
    // outputs: names of those it has.
    Graph(std::string name, std::set<std::string> outputs)
        : name_(std::move(name)), outputs_(std::move(outputs)) {}
    virtual ~Graph() = default;
    Graph(const Graph&) = delete;
    Graph& operator=(const Graph&) = delete;

    // Its outputs, all of them and all values finite. The token (may be null) stops the run, whose
    // rest may then go on without its caller. Throws BackendError, Cancelled; the graph stays
    // usable.
    Outputs run(const Inputs& inputs, const CancelToken* cancel) const;

    virtual const char* device() const = 0;
    const std::string& name() const { return name_; }

 protected:
    virtual Outputs compute(const Inputs& inputs, const CancelToken* cancel) const = 0;
    const std::set<std::string>& outputs() const { return outputs_; }

 private:
    std::string name_;
    std::set<std::string> outputs_;
};

// From a graph's name to the loaded graph; a model is given one and never chooses another.
using GraphLoader = std::function<std::shared_ptr<const Graph>(const std::string&)>;
using Graphs = std::map<std::string, std::shared_ptr<const Graph>>;

}  // namespace colordeploy::runtime
