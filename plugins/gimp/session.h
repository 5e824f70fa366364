/* A model and a prepared picture: colordeploy's side. Calls no function of GIMP, so that a thread
 * of its own may run it. */
#ifndef COLORDEPLOY_GIMP_SESSION_H
#define COLORDEPLOY_GIMP_SESSION_H

#include "pixels.h"

typedef struct Session Session;

/* photo outlives it; it is read while the picture is being prepared. */
Session* session_new(const Method* method, const Pixels* photo);
void session_free(Session* session);

/* How a call is watched and stopped; all may be NULL. */
typedef struct {
    cd_cancel* cancel;
    cd_progress progress;
    void* user;
} Watch;

/* Loads the model and prepares the picture, where the settings ask for another than before. */
gboolean session_prepare(Session* session, const Settings* settings, const Watch* watch,
                         GError** error);

/* The size of a preview with that short side. */
gboolean session_preview_size(Session* session, gint short_side, gint* height, gint* width,
                              GError** error);

/* The result, of a short side or of the picture's size (0). Alpha of the target stays. */
gboolean session_render(Session* session, const Settings* settings, const Guide* guide,
                        gint short_side, const cd_target* target, const Watch* watch,
                        GError** error);

/* A drawing's lines and the colours below them, both of 8 bits with alpha. */
gboolean session_layers(Session* session, const Settings* settings, const Guide* guide,
                        const cd_target* lines, const cd_target* colors, const Watch* watch,
                        GError** error);

/* What the library warned of so far, a line each, or NULL; the caller frees it. */
gchar* session_warnings(Session* session);

#endif
