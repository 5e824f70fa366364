// Preparing pictures, and what canvases of all methods say of themselves.
#include "../text.hpp"
#include "views.hpp"

using namespace colordeploy;

namespace colordeploy::c {

methods::PrepareOptions prepare_options(const cd_prepare_options& given) {
    methods::PrepareOptions options;
    if (given.short_side < CD_NATIVE_SIZE) {
        throw InputError(
            text("short_side must be at least 1, or CD_DEFAULT_SIZE or CD_NATIVE_SIZE, "
                 "not %d",
                 given.short_side));
    }
    if (given.short_side == CD_NATIVE_SIZE) {
        options.size = 0;
    } else if (given.short_side != CD_DEFAULT_SIZE) {
        options.size = given.short_side;
    }
    options.anchors = given.anchors;
    options.seed = given.seed;
    if (given.radius_count > 0) {
        const int32_t* radii = &required(given.radii, "options->radii");
        if (given.radius_count > 32) {
            throw InputError("radii must be decreasing, 0 to 31, so that there are at most 32");
        }
        options.radii.assign(radii, radii + given.radius_count);
    }
    return options;
}

}  // namespace colordeploy::c

extern "C" {

cd_status cd_prepare(cd_model* model, const cd_image* image, const cd_prepare_options* options,
                     cd_canvas** canvas) {
    return c::guarded([&] {
        const methods::Model& prepared = *c::required(model, "model").model;
        c::require(canvas, "canvas");
        const cd_prepare_options chosen =
            c::options_of(options, CD_PREPARE_OPTIONS_INIT, "options");
        const methods::Steps steps =
            c::steps_of(chosen.cancel, chosen.progress, chosen.progress_user);
        *canvas = new cd_canvas{
            prepared.prepare(c::image_of(image, "image"), c::prepare_options(chosen), steps)};
    });
}

void cd_canvas_free(cd_canvas* canvas) { delete canvas; }

cd_status cd_canvas_get_info(const cd_canvas* canvas, cd_canvas_info* info) {
    return c::guarded([&] {
        const methods::Canvas& own = *c::required(canvas, "canvas").canvas;
        c::require(info, "info");
        const pictures::Size size = own.size(), working = own.working_size();
        const cd_canvas_info filled{sizeof(cd_canvas_info),
                                    own.model().description().method.c_str(),
                                    own.device(),
                                    static_cast<int32_t>(size.rows),
                                    static_cast<int32_t>(size.columns),
                                    static_cast<int32_t>(working.rows),
                                    static_cast<int32_t>(working.columns),
                                    own.bytes()};
        c::hand_over(filled, info, "info");
    });
}

cd_status cd_render_size(const cd_canvas* canvas, const cd_render_options* options, int32_t* height,
                         int32_t* width) {
    return c::guarded([&] {
        const methods::Canvas& own = *c::required(canvas, "canvas").canvas;
        c::require(height, "height");
        c::require(width, "width");
        const c::Wanted wanted =
            c::wanted_of(own, c::options_of(options, CD_RENDER_OPTIONS_INIT, "options"));
        *height = static_cast<int32_t>(wanted.part.rows());
        *width = static_cast<int32_t>(wanted.part.columns());
    });
}

}  // extern "C"
