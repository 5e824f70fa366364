#include "anchors.h"

#include <math.h>

#include "pixels.h"

size_t anchors_place(cd_anchor* anchors, size_t found, const GArray* places) {
    size_t count = found, taken = 0; /* those taken are moved to the front */
    for (guint i = 0; i < places->len; ++i) {
        const Place* place = &g_array_index(places, Place, i);
        size_t nearest = taken;
        double least = INFINITY;
        for (size_t k = taken; k < found; ++k) {
            const double distance = hypot(anchors[k].y - place->y, anchors[k].x - place->x);
            if (distance >= least) continue;
            least = distance;
            nearest = k;
        }
        if (taken < found) {
            const cd_anchor front = anchors[taken];
            anchors[taken] = anchors[nearest];
            anchors[nearest] = front;
        } else {
            ++count;
        }
        cd_anchor* anchor = &anchors[taken++];
        *anchor = (cd_anchor){.y = place->y, .x = place->x};
        double lab[3];
        cd_color_lab(place->rgb, lab);
        anchor->a = lab[1];
        anchor->b = lab[2];
    }
    return count;
}
