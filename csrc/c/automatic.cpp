// disco: anchors.
#include "../methods/automatic/canvas.hpp"
#include "views.hpp"

using namespace colordeploy;

namespace colordeploy::c {

namespace {

static_assert(CD_CANDIDATES == anchors::CANDIDATES);
constexpr std::size_t MOST_ANCHORS = 1 << 20;  // more than any picture has places

void hand_anchors(const std::vector<methods::Anchor>& found, cd_anchor* anchors, std::size_t room,
                  std::size_t* count) {
    if (room > 0) require(anchors, "anchors");
    for (std::size_t i = 0; i < std::min(room, found.size()); ++i) {
        const methods::Anchor& anchor = found[i];
        cd_anchor filled{anchor.y, anchor.x,         anchor.a,
                         anchor.b, anchor.lightness, static_cast<int32_t>(anchor.candidates.size()),
                         {}};
        for (std::size_t c = 0; c < anchor.candidates.size(); ++c) {
            const auto& candidate = anchor.candidates[c];
            filled.candidates[c] = {candidate.a, candidate.b, candidate.probability};
        }
        anchors[i] = filled;
    }
    *count = found.size();
}

}  // namespace

}  // namespace colordeploy::c

extern "C" {

cd_status cd_anchors(cd_canvas* canvas, int32_t sample, cd_anchor* anchors, size_t room,
                     size_t* count) {
    return c::guarded([&] {
        auto& own = c::canvas_as<methods::AutomaticCanvas>(canvas, "cd_anchors");
        c::require(count, "count");
        c::hand_anchors(own.anchors(sample), anchors, room, count);
    });
}

cd_status cd_anchors_from(cd_canvas* canvas, const cd_image* picture, int32_t relocate,
                          cd_anchor* anchors, size_t room, size_t* count) {
    return c::guarded([&] {
        auto& own = c::canvas_as<methods::AutomaticCanvas>(canvas, "cd_anchors_from");
        c::require(count, "count");
        c::hand_anchors(
            own.anchors_from(c::image_of(picture, "picture"), relocate != 0, methods::Steps()),
            anchors, room, count);
    });
}

cd_status cd_render_anchors(cd_canvas* canvas, const cd_anchor* anchors, size_t count,
                            int32_t sample, const cd_render_options* options,
                            const cd_target* target) {
    return c::guarded([&] {
        auto& own = c::canvas_as<methods::AutomaticCanvas>(canvas, "cd_render_anchors");
        const c::RenderCall call(own, options, target);
        std::optional<std::vector<anchors::Anchor>> wanted;
        if (anchors != nullptr) {
            if (count > c::MOST_ANCHORS) throw InputError("more anchors than a picture has places");
            wanted.emplace();
            for (std::size_t i = 0; i < count; ++i) {
                wanted->push_back({anchors[i].y, anchors[i].x, anchors[i].a, anchors[i].b});
            }
        } else if (count > 0) {
            throw InputError("anchors must not be NULL where count is not 0");
        }
        own.render(wanted, sample, call.rendering, call.steps);
    });
}

}  // extern "C"
