#include "dialog.h"

#include <libgimp/gimp.h>
#include <libgimp/gimpui.h>
#include <string.h>

#include "preview.h"

typedef struct Dialog Dialog;

/* A control and the setting that it changes. */
typedef struct {
    Dialog* dialog;
    const Parameter* parameter;
} Row;

struct Dialog {
    const Method* method;
    const Subject* subject;
    Settings* settings;
    Preview* preview;
    Row* rows;
};

static void changed(Row* row) {
    if (row->dialog->preview != NULL) preview_show(row->dialog->preview, row->dialog->settings);
}

static void on_combo(GimpIntComboBox* combo, Row* row) {
    gint value = -1;
    gimp_int_combo_box_get_active(combo, &value);
    *settings_whole(row->parameter, row->dialog->settings) = value;
    changed(row);
}

static void on_spin(GtkSpinButton* spin, Row* row) {
    if (row->parameter->kind == PARAMETER_REAL)
        row->dialog->settings->saturation = gtk_spin_button_get_value(spin);
    else
        *settings_whole(row->parameter, row->dialog->settings) =
            gtk_spin_button_get_value_as_int(spin);
    changed(row);
}

static void on_switch(GtkToggleButton* button, Row* row) {
    *settings_whole(row->parameter, row->dialog->settings) = gtk_toggle_button_get_active(button);
    changed(row);
}

static void take_model(GtkWidget* combo, Row* row) {
    gchar* text = gtk_combo_box_text_get_active_text(GTK_COMBO_BOX_TEXT(combo));
    g_strlcpy(row->dialog->settings->model, text != NULL ? text : "",
              sizeof row->dialog->settings->model);
    g_free(text);
}

static void on_model(GtkWidget* combo, Row* row) {
    take_model(combo, row);
    /* While a path is being typed there is no such model. */
    if (gtk_combo_box_get_active(GTK_COMBO_BOX(combo)) >= 0) changed(row);
}

static void on_entry(GtkWidget* entry, Row* row) {
    (void)entry;
    changed(row);
}

static gboolean may_guide(gint32 image, gint32 item, gpointer data) {
    const Row* row = data;
    const Subject* subject = row->dialog->subject;
    if (item == subject->layer) return FALSE;
    if (row->parameter->kind == PARAMETER_PICTURE) return !gimp_drawable_is_gray(item);
    return image == subject->image && gimp_drawable_has_alpha(item);
}

static gboolean is_here(gint32 image, gint32 item, gpointer data) {
    (void)item;
    return image == ((const Row*)data)->dialog->subject->image;
}

static GtkWidget* chooser(Row* row) {
    GtkWidget* combo = row->parameter->kind == PARAMETER_PATH
                           ? gimp_vectors_combo_box_new(is_here, row)
                           : gimp_layer_combo_box_new(may_guide, row);
    GimpIntComboBox* box = GIMP_INT_COMBO_BOX(combo);
    gint32* value = settings_whole(row->parameter, row->dialog->settings);
    if (row->parameter->least < 0)
        gimp_int_combo_box_prepend(box, GIMP_INT_STORE_VALUE, -1, GIMP_INT_STORE_LABEL, "None", -1);
    if (!gimp_int_combo_box_set_active(box, *value)) {
        gtk_combo_box_set_active(GTK_COMBO_BOX(combo), 0); /* a layer of another time */
        if (!gimp_int_combo_box_get_active(box, value)) *value = -1;
    }
    g_signal_connect(combo, "changed", G_CALLBACK(on_combo), row);
    return combo;
}

static GtkWidget* choice(Row* row) {
    GtkWidget* combo = g_object_new(GIMP_TYPE_INT_COMBO_BOX, NULL);
    for (gint i = 0; row->parameter->choices[i] != NULL; ++i)
        gimp_int_combo_box_append(GIMP_INT_COMBO_BOX(combo), GIMP_INT_STORE_VALUE, i,
                                  GIMP_INT_STORE_LABEL, row->parameter->choices[i], -1);
    gimp_int_combo_box_connect(GIMP_INT_COMBO_BOX(combo),
                               *settings_whole(row->parameter, row->dialog->settings),
                               G_CALLBACK(on_combo), row);
    return combo;
}

static GtkWidget* model(Row* row) {
    GtkWidget* combo = gtk_combo_box_text_new_with_entry();
    for (gint i = 0; row->parameter->choices[i] != NULL; ++i) {
        gtk_combo_box_text_append_text(GTK_COMBO_BOX_TEXT(combo), row->parameter->choices[i]);
        if (strcmp(row->parameter->choices[i], row->dialog->settings->model) == 0)
            gtk_combo_box_set_active(GTK_COMBO_BOX(combo), i);
    }
    GtkWidget* entry = gtk_bin_get_child(GTK_BIN(combo));
    gtk_entry_set_text(GTK_ENTRY(entry), row->dialog->settings->model);
    gtk_entry_set_activates_default(GTK_ENTRY(entry), FALSE);
    g_signal_connect(combo, "changed", G_CALLBACK(on_model), row);
    g_signal_connect(entry, "activate", G_CALLBACK(on_entry), row);
    return combo;
}

static GtkWidget* number(Row* row) {
    const Parameter* parameter = row->parameter;
    const gboolean real = parameter->kind == PARAMETER_REAL;
    GtkWidget* spin =
        gtk_spin_button_new_with_range(parameter->least, parameter->most, real ? 0.05 : 1);
    gtk_spin_button_set_digits(GTK_SPIN_BUTTON(spin), real ? 2 : 0);
    gtk_spin_button_set_value(GTK_SPIN_BUTTON(spin),
                              real ? row->dialog->settings->saturation
                                   : *settings_whole(parameter, row->dialog->settings));
    g_signal_connect(spin, "value-changed", G_CALLBACK(on_spin), row);
    return spin;
}

static GtkWidget* control(Row* row) {
    switch (row->parameter->kind) {
        case PARAMETER_LAYER:
        case PARAMETER_PICTURE:
        case PARAMETER_PATH:
            return chooser(row);
        case PARAMETER_MODEL:
            return model(row);
        case PARAMETER_CHOICE:
            return choice(row);
        default:
            return number(row);
    }
}

static GtkWidget* check(Row* row) {
    GtkWidget* button = gtk_check_button_new_with_mnemonic(row->parameter->label);
    gtk_toggle_button_set_active(GTK_TOGGLE_BUTTON(button),
                                 *settings_whole(row->parameter, row->dialog->settings));
    g_signal_connect(button, "toggled", G_CALLBACK(on_switch), row);
    return button;
}

static GtkWidget* controls(Dialog* dialog) {
    GtkWidget* table = gtk_table_new((guint)dialog->method->count, 2, FALSE);
    gtk_table_set_col_spacings(GTK_TABLE(table), 6);
    gtk_table_set_row_spacings(GTK_TABLE(table), 6);
    for (gint i = 0; i < dialog->method->count; ++i) {
        Row* row = &dialog->rows[i];
        *row = (Row){dialog, &dialog->method->parameters[i]};
        const gboolean toggle = row->parameter->kind == PARAMETER_SWITCH;
        GtkWidget* widget = toggle ? check(row) : control(row);
        gtk_widget_set_tooltip_text(widget, row->parameter->help);
        if (toggle)
            gtk_table_attach(GTK_TABLE(table), widget, 0, 2, (guint)i, (guint)i + 1, GTK_FILL, 0, 0,
                             0);
        else
            gimp_table_attach_aligned(GTK_TABLE(table), 0, i, row->parameter->label, 0, 0.5, widget,
                                      1, FALSE);
    }
    return table;
}

gboolean dialog_run(const Method* method, const Subject* subject, Session* session,
                    Settings* settings) {
    gimp_ui_init("colordeploy-gimp", FALSE);
    Dialog dialog = {method, subject, settings, NULL, g_new0(Row, (gsize)method->count)};
    GtkWidget* window =
        gimp_dialog_new(method->title, method->procedure, NULL, 0, NULL, NULL, GTK_STOCK_CANCEL,
                        GTK_RESPONSE_CANCEL, GTK_STOCK_OK, GTK_RESPONSE_OK, NULL);
    gtk_dialog_set_default_response(GTK_DIALOG(window), GTK_RESPONSE_OK);
    gtk_dialog_set_alternative_button_order(GTK_DIALOG(window), GTK_RESPONSE_OK,
                                            GTK_RESPONSE_CANCEL, -1);
    gimp_window_set_transient(GTK_WINDOW(window));

    GtkWidget* box = gtk_hbox_new(FALSE, 12);
    gtk_container_set_border_width(GTK_CONTAINER(box), 12);
    gtk_box_pack_start(GTK_BOX(gtk_dialog_get_content_area(GTK_DIALOG(window))), box, TRUE, TRUE,
                       0);
    GtkWidget* top = gtk_alignment_new(0, 0, 1, 0); /* rows keep their height */
    gtk_container_add(GTK_CONTAINER(top), controls(&dialog));
    gtk_box_pack_end(GTK_BOX(box), top, FALSE, FALSE, 0);
    dialog.preview = preview_new(method, subject, session);
    gtk_box_pack_start(GTK_BOX(box), preview_widget(dialog.preview), TRUE, TRUE, 0);
    gtk_widget_show_all(window);
    preview_show(dialog.preview, settings);

    const gboolean accepted = gimp_dialog_run(GIMP_DIALOG(window)) == GTK_RESPONSE_OK;
    preview_free(dialog.preview);
    dialog.preview = NULL;
    gtk_widget_destroy(window);
    g_free(dialog.rows);
    return accepted;
}
