#include "interface.hpp"

namespace colordeploy::methods {

std::map<std::string, bundle::Bundle::Sides> Interface::graphs() const {
    std::set<std::string> first = handed, second = handed;
    first.insert(shown.begin(), shown.end());
    second.insert({"mask", "colors"});
    if (gray) second.insert("gray");
    return {{"analyze", {{"gray"}, first}}, {"generate", {second, {"ab"}}}};
}

Interface interface_of(const bundle::Bundle& bundle) {
    const auto& graphs = bundle.manifest().graphs;
    const auto found = graphs.find("analyze");
    if (found != graphs.end() && found->second.outputs.count("middle") > 0) {
        return {{"tokens", "middle", "fine"}, {"probabilities"}, "tokens", false, "", "", false};
    }
    return {{"association", "tokens"},
            {"color_features", "probabilities", "sizes"},
            "color_features",
            true,
            "association",
            "sizes",
            true};
}

}  // namespace colordeploy::methods
