#include "host_runtime.hpp"

#include <algorithm>
#include <cstring>

#include "../errors.hpp"
#include "handles.hpp"
#include "status.hpp"

namespace colordeploy::c {

namespace {

void require_ok(cd_status status, const std::string& what) {
    const std::string message =
        "the host's runtime failed " + what + " (status " + std::to_string(status) + ")";
    switch (status) {
        case CD_OK:
            return;
        case CD_CANCELLED:
            throw Cancelled();
        case CD_MEMORY:
            throw std::bad_alloc();
        default:
            throw BackendError(message);
    }
}

class HostGraph : public runtime::Graph {
 public:
    HostGraph(std::shared_ptr<const HostRuntime> host, const std::string& graph,
              const std::set<std::string>& outputs)
        : Graph(graph, outputs), host_(std::move(host)) {}

    const char* device() const override { return "host"; }

 private:
    runtime::Outputs compute(const runtime::Inputs& inputs,
                             const CancelToken* cancel) const override {
        std::vector<cd_tensor> given;
        for (const auto& [input, view] : inputs) {
            cd_tensor tensor{input.c_str(),
                             view.data,
                             static_cast<cd_type>(view.type),
                             static_cast<std::int32_t>(view.shape.size()),
                             {}};
            std::copy(view.shape.begin(), view.shape.end(), tensor.shape);
            given.push_back(tensor);
        }
        // The host may ask its own handle, which the token is the only member of.
        static_assert(sizeof(cd_cancel) == sizeof(CancelToken));
        const auto* asked = reinterpret_cast<const cd_cancel*>(cancel);
        cd_outputs outputs;
        const cd_runtime& host = host_->callbacks();
        require_ok(host.run(host.user, name().c_str(), given.data(), given.size(), asked, &outputs),
                   "in graph '" + name() + "'");
        return std::move(outputs.tensors);
    }

    std::shared_ptr<const HostRuntime> host_;
};

}  // namespace

std::shared_ptr<const runtime::Graph> load_on_host(std::shared_ptr<const HostRuntime> host,
                                                   const std::string& graph,
                                                   const std::string& content,
                                                   const std::set<std::string>& outputs) {
    const cd_runtime& callbacks = host->callbacks();
    if (callbacks.open != nullptr) {
        require_ok(callbacks.open(callbacks.user, graph.c_str(), content.data(), content.size()),
                   "to open graph '" + graph + "'");
    }
    return std::make_shared<const HostGraph>(std::move(host), graph, outputs);
}

}  // namespace colordeploy::c

extern "C" cd_status cd_output(cd_outputs* outputs, const cd_tensor* tensor) {
    using namespace colordeploy;
    return c::guarded([&] {
        cd_outputs& all = c::required(outputs, "outputs");
        const cd_tensor& given = c::required(tensor, "tensor");
        c::require(given.name, "tensor.name");
        c::require(given.data, "tensor.data");
        if (given.type != CD_FLOAT32 && given.type != CD_INT64 && given.type != CD_BOOL) {
            throw InputError("tensor.type must be CD_FLOAT32, CD_INT64 or CD_BOOL");
        }
        if (given.rank < 0 || given.rank > CD_MAXIMUM_RANK) {
            throw InputError("tensor.rank must be 0 to 8");
        }
        runtime::Tensor own;
        own.type = static_cast<runtime::Type>(given.type);
        std::uint64_t count = 1;
        for (std::int32_t i = 0; i < given.rank; ++i) {
            const std::int64_t side = given.shape[i];
            if (side < 0 ||
                (side > 0 && count > (std::uint64_t{1} << 40) / static_cast<std::uint64_t>(side))) {
                throw InputError("tensor.shape is impossible");
            }
            count *= static_cast<std::uint64_t>(side);
            own.shape.push_back(side);
        }
        auto copy = std::make_shared<std::vector<unsigned char>>(own.bytes());
        std::memcpy(copy->data(), given.data, copy->size());
        own.data = copy->data();
        own.owner = std::move(copy);
        all.tensors.insert_or_assign(given.name, std::move(own));
    });
}
