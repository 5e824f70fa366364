// What models and canvases of all methods share.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "../pictures/image.hpp"
#include "../pictures/photo.hpp"
#include "../runtime/graph.hpp"
#include "steps.hpp"

namespace colordeploy::methods {

class Canvas;

enum class Level { debug = 10, info = 20, warning = 30 };
using Log = std::function<void(Level, const std::string&)>;  // may be empty

struct ModelOptions {
    int threads = 0;          // 0: as many as this process may use
    int max_concurrency = 0;  // prepares and renders at once; 0: no limit
    Log log;
};

// What a bundle says of itself; of a method without one, what there is to say.
struct Description {
    std::string name, method, version, licence, trained_on;
    int working_size = 0;
};

struct PrepareOptions {
    pictures::WorkingSize size;
    int anchors = 8;
    std::uint64_t seed = 0;
    std::vector<int> radii;  // none: by the size of the drawing
};

// One of the model's turns, as long as it lives.
class Turns {
 public:
    explicit Turns(int limit) : limit_(limit) {}

    class Turn {
     public:
        Turn(Turns& turns, const Steps& steps) : turns_(turns) { turns_.take(steps); }
        ~Turn() { turns_.give_back(); }
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;

     private:
        Turns& turns_;
    };

 private:
    void take(const Steps& steps);
    void give_back();

    int limit_, taken_ = 0;
    std::mutex mutex_;
    std::condition_variable changed_;
};

// Held by what is made of it, so that it outlives that.
class Model : public std::enable_shared_from_this<Model> {
 public:
    Model(Description description, runtime::Graphs graphs, const ModelOptions& options);
    virtual ~Model() = default;
    Model(const Model&) = delete;
    Model& operator=(const Model&) = delete;

    const Description& description() const { return description_; }
    int threads() const { return threads_; }  // of what is no graph
    const runtime::Graph& graph(const std::string& name) const { return *graphs_.at(name); }
    void log(Level level, const std::string& text) const {
        if (log_) log_(level, text);
    }
    Turns& turns() const { return turns_; }

    // Computes everything that depends on the picture alone.
    std::shared_ptr<Canvas> prepare(const pictures::Image& image, const PrepareOptions& options,
                                    const Steps& steps) const;

 protected:
    virtual std::shared_ptr<Canvas> prepared(const pictures::Image& image,
                                             const PrepareOptions& options,
                                             const Steps& steps) const = 0;

 private:
    Description description_;
    runtime::Graphs graphs_;
    int threads_;
    Log log_;
    mutable Turns turns_;
};

// One picture, prepared. Safe to use from several threads.
class Canvas {
 public:
    explicit Canvas(std::shared_ptr<const Model> model) : model_(std::move(model)) {}
    virtual ~Canvas() = default;
    Canvas(const Canvas&) = delete;
    Canvas& operator=(const Canvas&) = delete;

    const Model& model() const { return *model_; }
    virtual pictures::Size size() const = 0;
    virtual pictures::Size working_size() const = 0;
    virtual const char* device() const = 0;
    virtual std::size_t bytes() const = 0;

 private:
    std::shared_ptr<const Model> model_;
};

}  // namespace colordeploy::methods
