#include "session.h"

#include <string.h>

#include "anchors.h"
#include "failure.h"

struct Session {
    const Method* method;
    const Pixels* photo;
    cd_model* model;
    gchar name[sizeof((Settings*)NULL)->model]; /* of the model that is loaded */
    cd_canvas* canvas;
    gint32 anchors; /* that the canvas was prepared with */
    GMutex lock;
    GString* warnings;
};

Session* session_new(const Method* method, const Pixels* photo) {
    Session* session = g_new0(Session, 1);
    session->method = method;
    session->photo = photo;
    g_mutex_init(&session->lock);
    session->warnings = g_string_new(NULL);
    return session;
}

void session_free(Session* session) {
    if (session == NULL) return;
    cd_canvas_free(session->canvas);
    cd_model_free(session->model);
    g_mutex_clear(&session->lock);
    g_string_free(session->warnings, TRUE);
    g_free(session);
}

static void keep_warning(void* user, cd_level level, const char* text) {
    Session* session = user;
    if (level < CD_WARNING) return;
    g_mutex_lock(&session->lock);
    /* A preview and the result after it warn of the same. */
    if (strstr(session->warnings->str, text) == NULL)
        g_string_append_printf(session->warnings, "%s%s", session->warnings->len > 0 ? "\n" : "",
                               text);
    g_mutex_unlock(&session->lock);
}

gchar* session_warnings(Session* session) {
    g_mutex_lock(&session->lock);
    gchar* text = session->warnings->len > 0 ? g_strdup(session->warnings->str) : NULL;
    g_mutex_unlock(&session->lock);
    return text;
}

static gboolean good(cd_status status, GError** error) {
    if (status == CD_OK) return TRUE;
    if (status == CD_CANCELLED) {
        g_set_error_literal(error, FAILURE, FAILURE_CANCELLED, "cancelled");
        return FALSE;
    }
    const gboolean elsewhere = status == CD_BUNDLE || status == CD_BACKEND;
    g_set_error(error, FAILURE, status == CD_INPUT ? FAILURE_CALL : FAILURE_EXECUTION, "%s%s",
                cd_last_error(),
                elsewhere ? "\nGIMP reads COLORDEPLOY_BUNDLES and COLORDEPLOY_ONNXRUNTIME from its "
                            "environment or from environ/colordeploy.env in your GIMP folder."
                          : "");
    return FALSE;
}

static const Watch unwatched = {NULL, NULL, NULL};

/* Whether a model, which may be a bundle of any kind, is one of the method's. */
static gboolean suits(Session* session, GError** error) {
    cd_model_info info = {.size = sizeof info};
    if (!good(cd_model_get_info(session->model, &info), error)) return FALSE;
    const gchar* const* kinds = NULL;
    for (gint i = 0; i < session->method->count; ++i)
        if (session->method->parameters[i].kind == PARAMETER_MODEL)
            kinds = session->method->parameters[i].choices;
    if (kinds == NULL || g_strv_contains(kinds, info.method)) return TRUE;
    gchar* known = g_strjoinv(" or ", (gchar**)kinds);
    g_set_error(error, FAILURE, FAILURE_CALL, "model %s is one of %s; here it must be one of %s",
                info.name, info.method, known);
    g_free(known);
    return FALSE;
}

gboolean session_prepare(Session* session, const Settings* settings, const Watch* watch,
                         GError** error) {
    if (watch == NULL) watch = &unwatched;
    if (session->model == NULL || strcmp(session->name, settings->model) != 0) {
        cd_canvas_free(session->canvas);
        session->canvas = NULL;
        cd_model_free(session->model);
        session->model = NULL;
        cd_load_options options = CD_LOAD_OPTIONS_INIT;
        options.cancel = watch->cancel;
        options.log = keep_warning;
        options.log_user = session;
        if (!good(cd_load(settings->model, &options, &session->model), error)) return FALSE;
        if (!suits(session, error)) {
            cd_model_free(session->model);
            session->model = NULL;
            return FALSE;
        }
        g_strlcpy(session->name, settings->model, sizeof session->name);
    }
    if (session->canvas != NULL && session->anchors == settings->anchors) return TRUE;
    cd_canvas_free(session->canvas);
    session->canvas = NULL;
    cd_prepare_options options = CD_PREPARE_OPTIONS_INIT;
    if (session->method->kind == METHOD_AUTOMATIC) options.anchors = settings->anchors;
    options.cancel = watch->cancel;
    options.progress = watch->progress;
    options.progress_user = watch->user;
    const cd_image photo = pixels_image(session->photo);
    session->anchors = settings->anchors;
    return good(cd_prepare(session->model, &photo, &options, &session->canvas), error);
}

gboolean session_preview_size(Session* session, gint short_side, gint* height, gint* width,
                              GError** error) {
    cd_render_options options = CD_RENDER_OPTIONS_INIT;
    options.short_side = short_side;
    return good(cd_render_size(session->canvas, &options, height, width), error);
}

static gboolean render_anchors(Session* session, const Settings* settings, const Guide* guide,
                               const cd_render_options* options, const cd_target* target,
                               GError** error) {
    if (guide->places == NULL)
        return good(cd_render_anchors(session->canvas, NULL, 0, settings->sample, options, target),
                    error);
    size_t found = 0;
    const size_t places = guide->places->len;
    cd_anchor* anchors = g_new0(cd_anchor, (size_t)settings->anchors + places);
    gboolean done = TRUE;
    if (settings->others) {
        done = good(cd_anchors(session->canvas, settings->sample, anchors,
                               (size_t)settings->anchors, &found),
                    error);
    }
    if (done) {
        found = MIN(found, (size_t)settings->anchors);
        const size_t count = anchors_place(anchors, found, guide->places);
        done = good(cd_render_anchors(session->canvas, anchors, count, 0, options, target), error);
    }
    g_free(anchors);
    return done;
}

static gboolean render_reference(Session* session, const Settings* settings, const Guide* guide,
                                 const cd_render_options* options, const cd_target* target,
                                 GError** error) {
    cd_reference* reference = NULL;
    cd_prepare_options encoding = CD_PREPARE_OPTIONS_INIT;
    encoding.cancel = options->cancel;
    const cd_image image = pixels_image(guide->pixels);
    if (!good(cd_encode_reference(session->model, &image, &encoding, &reference), error))
        return FALSE;
    cd_selection selection = CD_SELECTION_INIT;
    selection.coarse = settings->coarse;
    const cd_status status =
        cd_render_reference(session->canvas, reference, &selection, options, target);
    const gboolean done = good(status, error);
    cd_reference_free(reference);
    return done;
}

/* A style and what it points to. */
typedef struct {
    cd_style style;
    cd_strokes hints;
    cd_image layer;
} Styled;

static void styled_fill(Styled* styled, const Settings* settings, const Guide* guide) {
    static const cd_style_kind kinds[] = {CD_STYLE_PREDICTED, CD_STYLE_SEED, CD_STYLE_HINTS};
    styled->style = (cd_style)CD_STYLE_INIT;
    styled->hints = (cd_strokes)CD_STROKES_INIT;
    styled->style.kind = kinds[settings->style];
    styled->style.seed = (uint64_t)settings->seed;
    styled->style.flat = settings->flat;
    if (guide->pixels == NULL) return;
    styled->layer = pixels_image(guide->pixels);
    styled->hints.layer = &styled->layer;
    styled->style.hints = &styled->hints;
}

gboolean session_render(Session* session, const Settings* settings, const Guide* guide,
                        gint short_side, const cd_target* target, const Watch* watch,
                        GError** error) {
    if (watch == NULL) watch = &unwatched;
    cd_render_options options = CD_RENDER_OPTIONS_INIT;
    options.short_side = short_side;
    options.saturation = settings->saturation;
    options.cancel = watch->cancel;
    options.progress = watch->progress;
    options.progress_user = watch->user;
    switch (session->method->kind) {
        case METHOD_AUTOMATIC:
            return render_anchors(session, settings, guide, &options, target, error);
        case METHOD_EXAMPLE:
            return render_reference(session, settings, guide, &options, target, error);
        case METHOD_LINE_ART: {
            Styled styled;
            styled_fill(&styled, settings, guide);
            return good(cd_render_style(session->canvas, &styled.style, &options, target), error);
        }
        default: {
            const cd_image layer = pixels_image(guide->pixels);
            cd_strokes strokes = CD_STROKES_INIT;
            strokes.layer = &layer;
            return good(cd_render_strokes(session->canvas, &strokes, NULL, &options, target),
                        error);
        }
    }
}

gboolean session_layers(Session* session, const Settings* settings, const Guide* guide,
                        const cd_target* lines, const cd_target* colors, const Watch* watch,
                        GError** error) {
    Styled styled;
    styled_fill(&styled, settings, guide);
    return good(cd_render_layers(session->canvas, &styled.style,
                                 watch != NULL ? watch->cancel : NULL, lines, colors),
                error);
}
