/* Results as new layers, in one step of undo. */
#ifndef COLORDEPLOY_GIMP_RESULT_H
#define COLORDEPLOY_GIMP_RESULT_H

#include "pixels.h"

typedef struct {
    const gchar* name;
    const Pixels* pixels;
    GimpLayerMode mode;
} ResultLayer;

/* Puts the layers, the lowest first, above the subject, in a group where they are several; with a
 * selection they are masked by it. Returns the layer or the group; -1 with an error set. */
gint32 result_insert(const Subject* subject, const gchar* name, const ResultLayer* layers,
                     gint count, GError** error);

#endif
