// levin, lga: strokes.
#include "../methods/scribble/canvas.hpp"
#include "views.hpp"

using namespace colordeploy;

namespace colordeploy::c {

namespace {

std::optional<methods::Mended> mended_of(const cd_mending* given) {
    const cd_mending mending = options_of(given, CD_MENDING_INIT, "mending");
    if (mending.base == nullptr) return std::nullopt;
    if (mending.base->format == CD_ABF) {
        return methods::Mended{chroma_of(*mending.base, "mending->base"), mending.reach};
    }
    return methods::Mended{image_of(mending.base, "mending->base"), mending.reach};
}

}  // namespace

}  // namespace colordeploy::c

extern "C" {

cd_status cd_render_strokes(cd_canvas* canvas, const cd_strokes* strokes, const cd_mending* mending,
                            const cd_render_options* options, const cd_target* target) {
    return c::guarded([&] {
        auto& own = c::canvas_as<methods::ScribbleCanvas>(canvas, "cd_render_strokes");
        const c::RenderCall call(own, options, target);
        own.render(c::strokes_of(strokes, "strokes"), c::mended_of(mending), call.rendering,
                   call.steps);
    });
}

cd_status cd_affinity(cd_canvas* canvas, int32_t y, int32_t x, float* plane, ptrdiff_t row_bytes,
                      const cd_cancel* cancel) {
    return c::guarded([&] {
        auto& own = c::canvas_as<methods::ScribbleCanvas>(canvas, "cd_affinity");
        const pictures::Size size = own.size();
        const Plane<float> result = c::rows_of(plane, row_bytes, size, "plane");
        own.affinity(y, x, result, methods::Steps(c::token_of(cancel)));
    });
}

}  // extern "C"
