/* What the procedures take: one table for the procedural database, the dialog and last values. */
#ifndef COLORDEPLOY_GIMP_PARAMETERS_H
#define COLORDEPLOY_GIMP_PARAMETERS_H

#include <libgimp/gimp.h>

typedef enum { METHOD_STROKES, METHOD_AUTOMATIC, METHOD_EXAMPLE, METHOD_LINE_ART } MethodKind;
enum { PLACES_FOUND, PLACES_PATH, PLACES_GUIDES };
enum { STYLE_PREDICTED, STYLE_SEED, STYLE_HINTS };

/* Plain memory: GIMP keeps it from one call to the next (gimp_set_data). */
typedef struct {
    gint32 guide; /* drawable: strokes, colours of anchors, example or hints; -1: none */
    gint32 path;  /* -1: none */
    gint32 places, anchors, sample, others;
    gint32 coarse;
    gint32 style, seed, flat, layers;
    gdouble saturation;
    gchar model[1024];
} Settings;

typedef enum {
    PARAMETER_LAYER, /* of this image */
    PARAMETER_PICTURE,
    PARAMETER_PATH,
    PARAMETER_MODEL,
    PARAMETER_WHOLE,
    PARAMETER_CHOICE,
    PARAMETER_SWITCH,
    PARAMETER_REAL
} ParameterKind;

typedef struct {
    const gchar *name, *label, *help;
    ParameterKind kind;
    gsize offset;                  /* in Settings */
    gdouble least, most, standard; /* of layers and paths: -1 is one, none */
    const gchar* const* choices;   /* of a choice or a model, NULL at the end */
} Parameter;

typedef struct {
    MethodKind kind;
    const gchar *procedure, *menu, *title, *blurb, *help;
    const Parameter* parameters;
    gint count;
} Method;

extern const Method methods[];
extern const gint method_count;

const Method* method_named(const gchar* procedure);
void methods_install(void);

void settings_default(const Method* method, Settings* settings);
/* From a procedure's arguments after the drawable; FALSE for another number of them or values out
 * of range. */
gboolean settings_read(const Method* method, const GimpParam* values, gint count,
                       Settings* settings, GError** error);

gint32* settings_whole(const Parameter* parameter, Settings* settings);

#endif
