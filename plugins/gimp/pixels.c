#include "pixels.h"

#include <string.h>

#include "failure.h"

static gboolean wide(cd_format format) { return format == CD_RGBA16; }
static gsize pixel_bytes(const Pixels* pixels) { return wide(pixels->format) ? 8 : 4; }

cd_image pixels_image(const Pixels* pixels) {
    const ptrdiff_t row = (ptrdiff_t)(pixel_bytes(pixels) * (gsize)pixels->width);
    return (cd_image){pixels->data, pixels->height, pixels->width, row, 0, pixels->format};
}

cd_target pixels_target(Pixels* pixels) {
    const ptrdiff_t row = (ptrdiff_t)(pixel_bytes(pixels) * (gsize)pixels->width);
    return (cd_target){pixels->data, pixels->height, pixels->width, row, 0, pixels->format};
}

const Babl* pixels_babl(const Pixels* pixels) {
    return babl_format(wide(pixels->format) ? "R'G'B'A u16" : "R'G'B'A u8");
}

void pixels_opaque(Pixels* pixels) {
    const gsize count = (gsize)pixels->height * (gsize)pixels->width;
    const gsize step = pixel_bytes(pixels), size = step / 4;
    for (gsize i = 0; i < count; ++i) memset(pixels->data + i * step + 3 * size, 0xff, size);
}

Pixels* pixels_new(gint height, gint width, cd_format format) {
    Pixels* pixels = g_new0(Pixels, 1);
    *pixels = (Pixels){NULL, height, width, format};
    pixels->data = g_try_malloc0(pixel_bytes(pixels) * (gsize)height * (gsize)width);
    if (pixels->data == NULL) g_clear_pointer(&pixels, pixels_free);
    return pixels;
}

void pixels_free(Pixels* pixels) {
    if (pixels != NULL) g_free(pixels->data);
    g_free(pixels);
}

/* A rectangle in a layer's own coordinates; transparent beyond the layer. */
static Pixels* read_rectangle(gint32 drawable, GeglRectangle rectangle, cd_format format,
                              GError** error) {
    Pixels* pixels = pixels_new(rectangle.height, rectangle.width, format);
    if (pixels == NULL) {
        g_set_error(error, FAILURE, FAILURE_EXECUTION, "no memory for %d x %d pixels",
                    rectangle.width, rectangle.height);
        return NULL;
    }
    GeglBuffer* buffer = gimp_drawable_get_buffer(drawable);
    gegl_buffer_get(buffer, &rectangle, 1.0, pixels_babl(pixels), pixels->data, GEGL_AUTO_ROWSTRIDE,
                    GEGL_ABYSS_NONE);
    g_object_unref(buffer);
    return pixels;
}

gboolean subject_open(Subject* subject, gint32 image, gint32 drawable, GError** error) {
    if (!gimp_image_is_valid(image) || !gimp_item_is_valid(drawable) ||
        gimp_item_get_image(drawable) != image) {
        g_set_error(error, FAILURE, FAILURE_CALL, "drawable %d is not in image %d", drawable,
                    image);
        return FALSE;
    }
    /* Where its mask is being edited the mask is the active drawable. */
    const gint32 masked = gimp_item_is_layer_mask(drawable) ? gimp_layer_from_mask(drawable) : -1;
    const gint32 layer = masked != -1 ? masked : drawable;
    if (!gimp_item_is_layer(layer)) {
        g_set_error(error, FAILURE, FAILURE_CALL,
                    "only layers can be coloured: choose the photo's layer, not a channel");
        return FALSE;
    }
    if (gimp_image_get_floating_sel(image) != -1) {
        g_set_error(error, FAILURE, FAILURE_CALL,
                    "the image has a floating selection: anchor it, or make it a layer");
        return FALSE;
    }
    *subject =
        (Subject){image, layer, 0, 0, gimp_drawable_height(layer), gimp_drawable_width(layer)};
    gimp_drawable_offsets(layer, &subject->x, &subject->y);
    return TRUE;
}

Pixels* subject_read(const Subject* subject, GError** error) {
    const gboolean bytes = gimp_image_get_precision(subject->image) == GIMP_PRECISION_U8_GAMMA;
    const GeglRectangle all = {0, 0, subject->width, subject->height};
    return read_rectangle(subject->layer, all, bytes ? CD_RGBA8 : CD_RGBA16, error);
}

static gboolean add_place(Guide* guide, const Subject* subject, const GimpRGB* usual, gdouble x,
                          gdouble y) {
    Place place = {y - subject->y, x - subject->x, {0, 0, 0}};
    if (place.y < 0 || place.x < 0 || place.y > subject->height - 1 || place.x > subject->width - 1)
        return FALSE;
    gimp_rgb_get_uchar(usual, &place.rgb[0], &place.rgb[1], &place.rgb[2]);
    if (guide->pixels != NULL) {
        const gsize at = (gsize)(place.y + 0.5) * (gsize)subject->width + (gsize)(place.x + 0.5);
        const guchar* pixel = guide->pixels->data + at * 4;
        if (pixel[3] >= 128) memcpy(place.rgb, pixel, 3);
    }
    g_array_append_val(guide->places, place);
    return TRUE;
}

static void add_path(Guide* guide, const Subject* subject, const GimpRGB* usual, gint32 path) {
    gint strokes = 0;
    gint* ids = gimp_vectors_get_strokes(path, &strokes);
    for (gint i = 0; i < strokes; ++i) {
        gint count = 0;
        gdouble* points = NULL;
        gboolean closed = FALSE;
        gimp_vectors_stroke_get_points(path, ids[i], &count, &points, &closed);
        /* Triples of points: a handle, the point itself, a handle. */
        for (gint k = 0; k + 5 < count; k += 6)
            add_place(guide, subject, usual, points[k + 2], points[k + 3]);
        g_free(points);
    }
    g_free(ids);
}

static GArray* guides_of(gint32 image, GimpOrientationType wanted) {
    GArray* found = g_array_new(FALSE, FALSE, sizeof(gint));
    for (gint guide = gimp_image_find_next_guide(image, 0); guide != 0;
         guide = gimp_image_find_next_guide(image, guide)) {
        if (gimp_image_get_guide_orientation(image, guide) != wanted) continue;
        const gint position = gimp_image_get_guide_position(image, guide);
        g_array_append_val(found, position);
    }
    return found;
}

static void add_crossings(Guide* guide, const Subject* subject, const GimpRGB* usual) {
    GArray* rows = guides_of(subject->image, GIMP_ORIENTATION_HORIZONTAL);
    GArray* columns = guides_of(subject->image, GIMP_ORIENTATION_VERTICAL);
    for (guint i = 0; i < rows->len; ++i)
        for (guint j = 0; j < columns->len; ++j)
            add_place(guide, subject, usual, g_array_index(columns, gint, j),
                      g_array_index(rows, gint, i));
    g_array_unref(rows);
    g_array_unref(columns);
}

static gboolean read_places(const Settings* settings, const Subject* subject, Guide* guide,
                            GError** error) {
    GimpRGB usual;
    gimp_context_get_foreground(&usual);
    guide->places = g_array_new(FALSE, FALSE, sizeof(Place));
    if (settings->places == PLACES_GUIDES) {
        add_crossings(guide, subject, &usual);
    } else if (gimp_item_is_valid(settings->path) && gimp_item_is_vectors(settings->path) &&
               gimp_item_get_image(settings->path) == subject->image) {
        add_path(guide, subject, &usual, settings->path);
    } else {
        g_set_error(error, FAILURE, FAILURE_CALL, "path %d is no path of this image: make one",
                    settings->path);
        return FALSE;
    }
    if (guide->places->len > 0) return TRUE;
    g_set_error(error, FAILURE, FAILURE_CALL,
                settings->places == PLACES_GUIDES
                    ? "no horizontal guide crosses a vertical one within the layer"
                    : "no point of the path lies within the layer");
    return FALSE;
}

/* A layer of this image as it lies over the subject. */
static Pixels* read_layer(gint32 layer, const Subject* subject, const gchar* what, GError** error) {
    if (!gimp_item_is_valid(layer) || !gimp_item_is_layer(layer) ||
        gimp_item_get_image(layer) != subject->image || layer == subject->layer) {
        g_set_error(error, FAILURE, FAILURE_CALL,
                    "%s must be another layer of this image; %d is none", what, layer);
        return NULL;
    }
    if (!gimp_drawable_has_alpha(layer)) {
        g_set_error(error, FAILURE, FAILURE_CALL,
                    "the layer \"%s\" has no transparency, so all of it would be %s: add an alpha "
                    "channel (Layer, Transparency) and paint on a transparent layer",
                    gimp_item_get_name(layer), what);
        return NULL;
    }
    if (gimp_drawable_is_gray(layer)) {
        g_set_error(error, FAILURE, FAILURE_CALL,
                    "the image is grey, and so are its %s: make it an RGB image (Image, Mode) "
                    "before you paint in colour",
                    what);
        return NULL;
    }
    gint x = 0, y = 0;
    gimp_drawable_offsets(layer, &x, &y);
    const GeglRectangle over = {subject->x - x, subject->y - y, subject->width, subject->height};
    return read_rectangle(layer, over, CD_RGBA8, error);
}

static Pixels* read_example(gint32 layer, GError** error) {
    if (!gimp_item_is_valid(layer) || !gimp_item_is_layer(layer)) {
        g_set_error(error, FAILURE, FAILURE_CALL,
                    "example must be a layer of an open image; %d is none", layer);
        return NULL;
    }
    if (gimp_drawable_is_gray(layer)) {
        g_set_error(error, FAILURE, FAILURE_CALL,
                    "the example \"%s\" is grey: choose a picture in colour",
                    gimp_item_get_name(layer));
        return NULL;
    }
    const GeglRectangle all = {0, 0, gimp_drawable_width(layer), gimp_drawable_height(layer)};
    return read_rectangle(layer, all, CD_RGBA8, error);
}

static const gchar* guide_name(const Method* method) {
    for (gint i = 0; i < method->count; ++i)
        if (method->parameters[i].kind == PARAMETER_LAYER) return method->parameters[i].name;
    return "";
}

gboolean guide_read(const Method* method, const Settings* settings, const Subject* subject,
                    Guide* guide, GError** error) {
    *guide = (Guide){NULL, NULL};
    gboolean wanted = settings->guide != -1;
    switch (method->kind) {
        case METHOD_EXAMPLE:
            guide->pixels = read_example(settings->guide, error);
            return guide->pixels != NULL;
        case METHOD_STROKES:
            wanted = TRUE;
            break;
        case METHOD_AUTOMATIC:
            wanted = wanted && settings->places != PLACES_FOUND;
            break;
        case METHOD_LINE_ART:
            break;
    }
    if (wanted) {
        guide->pixels = read_layer(settings->guide, subject, guide_name(method), error);
        if (guide->pixels == NULL) return FALSE;
    }
    if (method->kind != METHOD_AUTOMATIC || settings->places == PLACES_FOUND) return TRUE;
    if (read_places(settings, subject, guide, error)) return TRUE;
    guide_clear(guide);
    return FALSE;
}

void guide_clear(Guide* guide) {
    g_clear_pointer(&guide->pixels, pixels_free);
    g_clear_pointer(&guide->places, g_array_unref);
}
