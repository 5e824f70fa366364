/* A small result in the dialog, computed in a thread of its own. */
#ifndef COLORDEPLOY_GIMP_PREVIEW_H
#define COLORDEPLOY_GIMP_PREVIEW_H

#include <libgimp/gimp.h>
#include <libgimp/gimpui.h>

#include "session.h"

typedef struct Preview Preview;

Preview* preview_new(const Method* method, const Subject* subject, Session* session);
GtkWidget* preview_widget(Preview* preview);
/* Shows these settings' result as soon as it is there; what is being computed is finished first
 * (a preview takes moments, and preparing is needed anyway). */
void preview_show(Preview* preview, const Settings* settings);
/* Stops what is being computed; no thread uses the session afterwards. */
void preview_free(Preview* preview);

#endif
