#include "parameters.h"

#include <stddef.h>
#include <string.h>

#include "failure.h"

static const gchar* const photo_models[] = {"lga", "levin", NULL};
static const gchar* const automatic_models[] = {"disco", NULL};
static const gchar* const example_models[] = {"sscn", NULL};
static const gchar* const line_art_models[] = {"rasc", NULL};
static const gchar* const places[] = {"Found by the model", "Points of a path",
                                      "Crossings of guides", NULL};
static const gchar* const styles[] = {"Predicted from the drawing", "Of a seed",
                                      "White without a hint", NULL};

#define AT(field) offsetof(Settings, field)
#define MODEL(choices)                                       \
    {"model",                                                \
     "_Model",                                               \
     "Name of a bundle or path of one; \"\": the usual one", \
     PARAMETER_MODEL,                                        \
     AT(model),                                              \
     0,                                                      \
     0,                                                      \
     0,                                                      \
     choices}
#define SATURATION                                                                              \
    {"saturation", "Sat_uration", "Chroma times this", PARAMETER_REAL, AT(saturation), 0, 2, 1, \
     NULL}

static const Parameter strokes[] = {
    {"strokes", "_Strokes", "Layer of strokes, transparent elsewhere", PARAMETER_LAYER, AT(guide),
     0, 0, -1, NULL},
    MODEL(photo_models),
    SATURATION,
};

static const Parameter automatic[] = {
    MODEL(automatic_models),
    {"anchors", "_Anchors", "How many anchors the model looks for", PARAMETER_WHOLE, AT(anchors), 1,
     64, 8, NULL},
    {"sample", "_Result", "0: the most probable colours; others differ more and more",
     PARAMETER_WHOLE, AT(sample), 0, 9, 0, NULL},
    {"places", "_Places", "Anchors of yours: 0 none, 1 points of a path, 2 crossings of guides",
     PARAMETER_CHOICE, AT(places), 0, 2, PLACES_FOUND, places},
    {"path", "Pat_h", "The path, or -1", PARAMETER_PATH, AT(path), -1, 0, -1, NULL},
    {"colors", "_Colours from",
     "Layer that has the anchors' colours; -1, or where it is transparent: the foreground colour",
     PARAMETER_LAYER, AT(guide), -1, 0, -1, NULL},
    {"others", "_Keep other anchors",
     "The anchors found stay, but for the ones nearest to yours; else yours alone count",
     PARAMETER_SWITCH, AT(others), 0, 1, 1, NULL},
    SATURATION,
};

static const Parameter example[] = {
    {"example", "_Example", "Layer of any open image, in colour", PARAMETER_PICTURE, AT(guide), 0,
     0, -1, NULL},
    MODEL(example_models),
    {"coarse", "Global _tone only", "The example's tone alone, without matching parts",
     PARAMETER_SWITCH, AT(coarse), 0, 1, 0, NULL},
    SATURATION,
};

static const Parameter line_art[] = {
    {"hints", "_Hints", "Layer with dabs of colour, or -1", PARAMETER_LAYER, AT(guide), -1, 0, -1,
     NULL},
    MODEL(line_art_models),
    {"style", "_Style", "0 predicted, 1 of a seed, 2 white without a hint", PARAMETER_CHOICE,
     AT(style), 0, 2, STYLE_PREDICTED, styles},
    {"seed", "S_eed", "Of the style", PARAMETER_WHOLE, AT(seed), 0, G_MAXINT32, 0, NULL},
    {"flat", "_Flat colours", "One colour for each region", PARAMETER_SWITCH, AT(flat), 0, 1, 0,
     NULL},
    {"layers", "_Lines and colours apart", "A group of two layers instead of one layer",
     PARAMETER_SWITCH, AT(layers), 0, 1, 0, NULL},
    SATURATION,
};

#define LAYERED                                                                                   \
    "The result is a new layer above the photo, in mode LCH Color: the photo stays untouched. A " \
    "selection becomes the mask of the new layer. Grey and indexed images are converted to RGB."

const Method methods[] = {
    {METHOD_STROKES, "plug-in-colordeploy-strokes", "_Strokes...", "Colorize by Strokes",
     "Colour a photo by strokes on a layer",
     "Colours of the strokes spread over what is alike. " LAYERED, strokes, G_N_ELEMENTS(strokes)},
    {METHOD_AUTOMATIC, "plug-in-colordeploy-automatic", "_Automatic...", "Colorize Automatically",
     "Colour a photo automatically, or by anchors",
     "Anchors are points of a path or crossings of guides, in the colours of a layer or in the "
     "foreground colour. " LAYERED,
     automatic, G_N_ELEMENTS(automatic)},
    {METHOD_EXAMPLE, "plug-in-colordeploy-example", "By _Example...", "Colorize by Example",
     "Colour a photo like a picture in another open image",
     "Parts of the photo take the colours of parts of the example that are like them. " LAYERED,
     example, G_N_ELEMENTS(example)},
    {METHOD_LINE_ART, "plug-in-colordeploy-line-art", "_Line Art...", "Colorize Line Art",
     "Colour a drawing, by dabs of colour if wanted",
     "A dab of colour on the layer of hints colours its region. The result is a new layer of "
     "colours and lines above the drawing, or a group with a layer of each. A selection becomes "
     "its mask. Grey and indexed images are converted to RGB.",
     line_art, G_N_ELEMENTS(line_art)},
};
const gint method_count = G_N_ELEMENTS(methods);

const Method* method_named(const gchar* procedure) {
    for (gint i = 0; i < method_count; ++i)
        if (strcmp(methods[i].procedure, procedure) == 0) return &methods[i];
    return NULL;
}

static GimpPDBArgType type_of(ParameterKind kind) {
    switch (kind) {
        case PARAMETER_LAYER:
        case PARAMETER_PICTURE:
            return GIMP_PDB_DRAWABLE;
        case PARAMETER_PATH:
            return GIMP_PDB_VECTORS;
        case PARAMETER_MODEL:
            return GIMP_PDB_STRING;
        case PARAMETER_REAL:
            return GIMP_PDB_FLOAT;
        default:
            return GIMP_PDB_INT32;
    }
}

void methods_install(void) {
    static const GimpParamDef results[] = {
        {GIMP_PDB_LAYER, "layer", "The new layer, or the group of the new layers"}};
    for (gint m = 0; m < method_count; ++m) {
        const Method* method = &methods[m];
        GimpParamDef* all = g_new0(GimpParamDef, (gsize)method->count + 3);
        all[0] = (GimpParamDef){GIMP_PDB_INT32, "run-mode", "RUN-INTERACTIVE (0), ..."};
        all[1] = (GimpParamDef){GIMP_PDB_IMAGE, "image", "The image"};
        all[2] = (GimpParamDef){GIMP_PDB_DRAWABLE, "drawable", "The layer to colour"};
        for (gint i = 0; i < method->count; ++i) {
            const Parameter* one = &method->parameters[i];
            all[i + 3] = (GimpParamDef){type_of(one->kind), (gchar*)one->name, (gchar*)one->help};
        }
        gimp_install_procedure(method->procedure, method->blurb, method->help, "colordeploy",
                               "colordeploy", "2026", method->menu, "*", GIMP_PLUGIN,
                               method->count + 3, G_N_ELEMENTS(results), all, results);
        gimp_plugin_menu_register(method->procedure, "<Image>/Colors/Colorize");
        g_free(all);
    }
}

gint32* settings_whole(const Parameter* parameter, Settings* settings) {
    return (gint32*)(void*)((gchar*)settings + parameter->offset);
}

void settings_default(const Method* method, Settings* settings) {
    memset(settings, 0, sizeof *settings);
    settings->guide = settings->path = -1;
    settings->saturation = 1;
    for (gint i = 0; i < method->count; ++i) {
        const Parameter* one = &method->parameters[i];
        if (one->kind == PARAMETER_MODEL)
            g_strlcpy(settings->model, one->choices[0], sizeof settings->model);
        else if (one->kind != PARAMETER_REAL)
            *settings_whole(one, settings) = (gint32)one->standard;
    }
}

static gboolean within(const Parameter* parameter, gdouble value, GError** error) {
    if (value >= parameter->least && value <= parameter->most) return TRUE; /* not for NaN */
    g_set_error(error, FAILURE, FAILURE_CALL, "%s is %g; it must be %g to %g", parameter->name,
                value, parameter->least, parameter->most);
    return FALSE;
}

gboolean settings_read(const Method* method, const GimpParam* values, gint count,
                       Settings* settings, GError** error) {
    if (count != method->count) {
        g_set_error(error, FAILURE, FAILURE_CALL, "%s takes %d arguments, not %d",
                    method->procedure, method->count + 3, count + 3);
        return FALSE;
    }
    settings_default(method, settings);
    for (gint i = 0; i < count; ++i) {
        const Parameter* one = &method->parameters[i];
        switch (one->kind) {
            case PARAMETER_MODEL:
                if (values[i].data.d_string == NULL || *values[i].data.d_string == 0) break;
                if (g_strlcpy(settings->model, values[i].data.d_string, sizeof settings->model) >=
                    sizeof settings->model) {
                    g_set_error(error, FAILURE, FAILURE_CALL, "the model's name is too long");
                    return FALSE;
                }
                break;
            case PARAMETER_REAL:
                if (!within(one, values[i].data.d_float, error)) return FALSE;
                settings->saturation = values[i].data.d_float;
                break;
            case PARAMETER_LAYER:
            case PARAMETER_PICTURE:
            case PARAMETER_PATH:
                *settings_whole(one, settings) = values[i].data.d_int32;
                break;
            default:
                if (!within(one, values[i].data.d_int32, error)) return FALSE;
                *settings_whole(one, settings) = values[i].data.d_int32;
        }
    }
    return TRUE;
}
