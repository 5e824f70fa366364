/* Anchors at places of the host's, in colours of the host's. */
#ifndef COLORDEPLOY_GIMP_ANCHORS_H
#define COLORDEPLOY_GIMP_ANCHORS_H

#include <colordeploy.h>
#include <glib.h>

/* Each Place takes the part of the nearest of the `found` anchors, which is moved there and
 * recoloured; when there is none left it is added. `anchors` has room for all of both. Returns
 * how many there are then. */
size_t anchors_place(cd_anchor* anchors, size_t found, const GArray* places);

#endif
