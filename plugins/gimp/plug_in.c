/* Colorize: colordeploy's methods as procedures of GIMP. */
#include <gegl.h>
#include <string.h>

#include "dialog.h"
#include "failure.h"
#include "result.h"
#include "session.h"

static void query(void) {
    gimp_plugin_menu_branch_register("<Image>/Colors", "Colorize");
    methods_install();
}

/* GIMP's own cancel button ends the plug-in's process; the image is changed last of all, in one
 * piece, so nothing is left half-done. */
static void show_progress(void* user, double done, const char* what) {
    const gdouble* stage = user; /* where it begins and ends */
    gimp_progress_update(stage[0] + done * (stage[1] - stage[0]));
    (void)what;
}

static gint32 insert_photo(const Method* method, const Subject* subject, Pixels* pixels,
                           Session* session, const Settings* settings, const Guide* guide,
                           const Watch* watch, GError** error) {
    /* In the photo's own memory: its alpha stays, so that nothing below it is tinted. Colours of a
     * drawing go where it is transparent, too. */
    const cd_target target = pixels_target(pixels);
    if (!session_render(session, settings, guide, 0, &target, watch, error)) return -1;
    const gboolean drawing = method->kind == METHOD_LINE_ART;
    if (drawing) pixels_opaque(pixels);
    gchar* photo = gimp_item_get_name(subject->layer);
    gchar* name = g_strdup_printf("%s colours", photo);
    const ResultLayer layer = {name, pixels,
                               drawing ? GIMP_LAYER_MODE_NORMAL : GIMP_LAYER_MODE_LCH_COLOR};
    const gint32 made = result_insert(subject, name, &layer, 1, error);
    g_free(name);
    g_free(photo);
    return made;
}

static gint32 insert_drawing(const Subject* subject, Session* session, const Settings* settings,
                             const Guide* guide, const Watch* watch, GError** error) {
    Pixels* lines = pixels_new(subject->height, subject->width, CD_RGBA8);
    Pixels* colors = pixels_new(subject->height, subject->width, CD_RGBA8);
    gint32 made = -1;
    if (lines == NULL || colors == NULL) {
        g_set_error_literal(error, FAILURE, FAILURE_EXECUTION, "no memory for two layers");
    } else {
        const cd_target line_target = pixels_target(lines), color_target = pixels_target(colors);
        const ResultLayer layers[] = {{"colours", colors, GIMP_LAYER_MODE_NORMAL},
                                      {"lines", lines, GIMP_LAYER_MODE_NORMAL}};
        if (session_layers(session, settings, guide, &line_target, &color_target, watch, error))
            made = result_insert(subject, "line art", layers, G_N_ELEMENTS(layers), error);
    }
    pixels_free(lines);
    pixels_free(colors);
    return made;
}

static gint32 colorize(const Method* method, const Subject* subject, Pixels* photo,
                       Session* session, const Settings* settings, GError** error) {
    Guide guide;
    if (!guide_read(method, settings, subject, &guide, error)) return -1;
    gdouble stages[] = {0.05, 0.6, 1.0};
    Watch preparing = {NULL, show_progress, &stages[0]};
    Watch rendering = {NULL, show_progress, &stages[1]};
    gimp_progress_init_printf("%s", method->title);
    gint32 made = -1;
    if (session_prepare(session, settings, &preparing, error)) {
        made = method->kind == METHOD_LINE_ART && settings->layers
                   ? insert_drawing(subject, session, settings, &guide, &rendering, error)
                   : insert_photo(method, subject, photo, session, settings, &guide, &rendering,
                                  error);
    }
    gimp_progress_end();
    guide_clear(&guide);
    return made;
}

static gboolean settle(const Method* method, GimpRunMode mode, const GimpParam* params, gint count,
                       const Subject* subject, Session* session, Settings* settings,
                       GError** error) {
    if (mode == GIMP_RUN_NONINTERACTIVE)
        return settings_read(method, params + 3, count - 3, settings, error);
    settings_default(method, settings);
    gimp_get_data(method->procedure, settings);
    if (mode == GIMP_RUN_WITH_LAST_VALS) return TRUE;
    if (!dialog_run(method, subject, session, settings)) {
        g_set_error_literal(error, FAILURE, FAILURE_CANCELLED, "cancelled");
        return FALSE;
    }
    gimp_set_data(method->procedure, settings, sizeof *settings);
    return TRUE;
}

static gint32 perform(const Method* method, const GimpParam* params, gint count, GError** error) {
    Subject subject;
    Settings settings;
    if (!subject_open(&subject, params[1].data.d_image, params[2].data.d_drawable, error))
        return -1;
    Pixels* photo = subject_read(&subject, error);
    if (photo == NULL) return -1;
    Session* session = session_new(method, photo);
    gint32 made = -1;
    if (settle(method, params[0].data.d_int32, params, count, &subject, session, &settings, error))
        made = colorize(method, &subject, photo, session, &settings, error);
    gchar* warnings = session_warnings(session);
    if (warnings != NULL) g_message("%s", warnings);
    g_free(warnings);
    session_free(session);
    pixels_free(photo);
    return made;
}

static void run(const gchar* name, gint count, const GimpParam* params, gint* value_count,
                GimpParam** values) {
    static GimpParam results[2]; /* GIMP reads them after the return */
    static gchar* message = NULL;
    g_clear_pointer(&message, g_free);
    *value_count = 2;
    *values = results;
    results[0].type = GIMP_PDB_STATUS;
    GError* error = NULL;
    const Method* method = method_named(name);
    gint32 layer = -1;
    if (method == NULL || count < 3) {
        g_set_error(&error, FAILURE, FAILURE_CALL, "%s: run mode, image and drawable are missing",
                    name);
    } else if (cd_abi() != CD_ABI) {
        g_set_error(&error, FAILURE, FAILURE_EXECUTION,
                    "libcolordeploy has interface %u, this plug-in needs %u: build it anew",
                    cd_abi(), (guint)CD_ABI);
    } else {
        gegl_init(NULL, NULL);
        layer = perform(method, params, count, &error);
    }
    if (error == NULL) {
        results[0].data.d_status = GIMP_PDB_SUCCESS;
        results[1].type = GIMP_PDB_LAYER;
        results[1].data.d_layer = layer;
        return;
    }
    message = g_strdup(error->message);
    results[0].data.d_status = error->code == FAILURE_CANCELLED ? GIMP_PDB_CANCEL
                               : error->code == FAILURE_CALL    ? GIMP_PDB_CALLING_ERROR
                                                                : GIMP_PDB_EXECUTION_ERROR;
    results[1].type = GIMP_PDB_STRING;
    results[1].data.d_string = message;
    g_clear_error(&error);
}

const GimpPlugInInfo PLUG_IN_INFO = {NULL, NULL, query, run};

MAIN()
