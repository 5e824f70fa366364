#include "anchors.h"

#include <math.h>

#include "pixels.h"

static double linear(guchar value) {
    const double v = value / 255.0;
    return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

static double cube_root(double t) {
    const double knee = 6.0 / 29.0;
    return t > knee * knee * knee ? cbrt(t) : t / (3 * knee * knee) + 4.0 / 29.0;
}

/* CIE a and b of sRGB, D65, as colordeploy takes them (babl's Lab is of D50). */
static void chroma(const guchar rgb[3], double* a, double* b) {
    const double red = linear(rgb[0]), green = linear(rgb[1]), blue = linear(rgb[2]);
    const double x = cube_root((0.412453 * red + 0.357580 * green + 0.180423 * blue) / 0.950456);
    const double y = cube_root(0.212671 * red + 0.715160 * green + 0.072169 * blue);
    const double z = cube_root((0.019334 * red + 0.119193 * green + 0.950227 * blue) / 1.088754);
    *a = 500 * (x - y);
    *b = 200 * (y - z);
}

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
        chroma(place->rgb, &anchor->a, &anchor->b);
    }
    return count;
}
