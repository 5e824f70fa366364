#include "result.h"

#include "failure.h"

static gint32 new_layer(const Subject* subject, const ResultLayer* given) {
    const gint32 layer = gimp_layer_new(subject->image, given->name, subject->width,
                                        subject->height, GIMP_RGBA_IMAGE, 100.0, given->mode);
    if (layer == -1) return -1;
    /* Results are composed of gamma-encoded colours; GIMP's normal mode would use linear ones. */
    if (given->mode == GIMP_LAYER_MODE_NORMAL) {
        gimp_layer_set_blend_space(layer, GIMP_LAYER_COLOR_SPACE_RGB_PERCEPTUAL);
        gimp_layer_set_composite_space(layer, GIMP_LAYER_COLOR_SPACE_RGB_PERCEPTUAL);
    }
    gimp_layer_set_offsets(layer, subject->x, subject->y);
    GeglBuffer* buffer = gimp_drawable_get_buffer(layer);
    const GeglRectangle all = {0, 0, subject->width, subject->height};
    gegl_buffer_set(buffer, &all, 0, pixels_babl(given->pixels), given->pixels->data,
                    GEGL_AUTO_ROWSTRIDE);
    g_object_unref(buffer);
    gimp_drawable_update(layer, 0, 0, subject->width, subject->height);
    return layer;
}

static gint32 insert(const Subject* subject, const gchar* name, const ResultLayer* layers,
                     gint count) {
    const gint32 parent = gimp_item_get_parent(subject->layer);
    const gint position = gimp_image_get_item_position(subject->image, subject->layer);
    if (count == 1) {
        const gint32 layer = new_layer(subject, layers);
        if (layer == -1 || !gimp_image_insert_layer(subject->image, layer, parent, position))
            return -1;
        return layer;
    }
    const gint32 group = gimp_layer_group_new(subject->image);
    if (group == -1 || !gimp_image_insert_layer(subject->image, group, parent, position)) return -1;
    gimp_item_set_name(group, name);
    for (gint i = 0; i < count; ++i) {
        const gint32 layer = new_layer(subject, &layers[i]);
        if (layer == -1 || !gimp_image_insert_layer(subject->image, layer, group, 0)) return -1;
    }
    return group;
}

static gboolean mask_by_selection(const Subject* subject, gint32 layer) {
    if (gimp_selection_is_empty(subject->image)) return TRUE;
    const gint32 mask = gimp_layer_create_mask(layer, GIMP_ADD_MASK_SELECTION);
    return mask != -1 && gimp_layer_add_mask(layer, mask);
}

gint32 result_insert(const Subject* subject, const gchar* name, const ResultLayer* layers,
                     gint count, GError** error) {
    gimp_image_undo_group_start(subject->image);
    gint32 result = -1;
    /* Colours need an image that can hold them; no pixel of the photo changes. */
    if (gimp_image_base_type(subject->image) == GIMP_RGB || gimp_image_convert_rgb(subject->image))
        result = insert(subject, name, layers, count);
    if (result != -1 && !mask_by_selection(subject, result)) result = -1;
    if (result == -1)
        g_set_error(error, FAILURE, FAILURE_EXECUTION, "GIMP made no layer: %s",
                    gimp_get_pdb_error());
    gimp_image_undo_group_end(subject->image);
    gimp_displays_flush();
    return result;
}
