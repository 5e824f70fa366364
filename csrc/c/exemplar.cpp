// sscn: references.
#include "../methods/exemplar/canvas.hpp"
#include "../text.hpp"
#include "views.hpp"

using namespace colordeploy;

namespace colordeploy::c {

namespace {

std::optional<std::int64_t> number_of(std::int32_t given, const char* name) {
    if (given < -1) throw InputError(text("%s must be at least 0, or -1, not %d", name, given));
    if (given == -1) return std::nullopt;
    return given;
}

}  // namespace

}  // namespace colordeploy::c

extern "C" {

cd_status cd_encode_reference(cd_model* model, const cd_image* image,
                              const cd_prepare_options* options, cd_reference** reference) {
    return c::guarded([&] {
        const methods::Model& any = *c::required(model, "model").model;
        c::require(reference, "reference");
        const auto* own = dynamic_cast<const methods::ExemplarModel*>(&any);
        if (own == nullptr) {
            throw InputError("cd_encode_reference is not for a model of the method '" +
                             any.description().method + "'");
        }
        const cd_prepare_options chosen =
            c::options_of(options, CD_PREPARE_OPTIONS_INIT, "options");
        const methods::Steps steps =
            c::steps_of(chosen.cancel, chosen.progress, chosen.progress_user);
        *reference = new cd_reference{
            own->encode(c::image_of(image, "image"), c::prepare_options(chosen).size, steps)};
    });
}

void cd_reference_free(cd_reference* reference) { delete reference; }

cd_status cd_render_reference(cd_canvas* canvas, const cd_reference* reference,
                              const cd_selection* selection, const cd_render_options* options,
                              const cd_target* target) {
    return c::guarded([&] {
        auto& own = c::canvas_as<methods::ExemplarCanvas>(canvas, "cd_render_reference");
        const methods::Reference& example = *c::required(reference, "reference").reference;
        const cd_selection chosen = c::options_of(selection, CD_SELECTION_INIT, "selection");
        const c::RenderCall call(own, options, target);
        own.render(example, {c::number_of(chosen.k, "k"), c::number_of(chosen.r, "r"), chosen.seed},
                   chosen.coarse != 0, call.rendering, call.steps);
    });
}

}  // extern "C"
