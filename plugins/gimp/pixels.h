/* What is read from GIMP: pixels of layers, points of paths and guides. */
#ifndef COLORDEPLOY_GIMP_PIXELS_H
#define COLORDEPLOY_GIMP_PIXELS_H

#include <colordeploy.h>
#include <libgimp/gimp.h>

#include "parameters.h"

/* RGBA of 8 or 16 bits, gamma-encoded sRGB whatever the image's precision and profile are. */
typedef struct {
    guchar* data;
    gint height, width;
    cd_format format;
} Pixels;

cd_image pixels_image(const Pixels* pixels);
cd_target pixels_target(Pixels* pixels);
const Babl* pixels_babl(const Pixels* pixels);
void pixels_opaque(Pixels* pixels);
Pixels* pixels_new(gint height, gint width, cd_format format);
void pixels_free(Pixels* pixels);

/* The layer that is coloured. */
typedef struct {
    gint32 image, layer;
    gint x, y, height, width; /* in the image */
} Subject;

/* Checks the layer and reads it: 8 bits for images of 8 bits (not linear ones, which hold more dark
 * tones than 8 gamma-encoded bits), else 16. */
gboolean subject_open(Subject* subject, gint32 image, gint32 drawable, GError** error);
Pixels* subject_read(const Subject* subject, GError** error);

/* A place whose colour is given. */
typedef struct {
    gdouble y, x; /* in the subject */
    guchar rgb[3];
} Place;

/* What guides the colours, by the settings. */
typedef struct {
    Pixels* pixels; /* NULL: none */
    GArray* places; /* of Place, or NULL */
} Guide;

gboolean guide_read(const Method* method, const Settings* settings, const Subject* subject,
                    Guide* guide, GError** error);
void guide_clear(Guide* guide);

#endif
