#include "preview.h"

#include <math.h>

#include "failure.h"

enum { MOST_WIDTH = 420, MOST_HEIGHT = 360 };

struct Preview {
    const Method* method;
    const Subject* subject;
    Session* session;
    GtkWidget *box, *area, *bar;
    gint short_side;
    gint tick;     /* source that moves the bar */
    gint permille; /* done, written by the thread */
    GThread* thread;
    cd_cancel* cancel;
    gboolean again; /* other settings came meanwhile */
    Settings wanted, settings;
    Guide guide; /* of the thread's settings */
    guchar* rgb; /* what the thread made */
    gint height, width;
    GError* error;
};

static void say(Preview* preview, const gchar* text) {
    gtk_progress_bar_set_text(GTK_PROGRESS_BAR(preview->bar), text);
    gtk_widget_set_tooltip_text(preview->bar, text);
}

static void draw(Preview* preview, gint height, gint width, GimpImageType type,
                 const guchar* pixels, gint bytes) {
    gtk_widget_set_size_request(preview->area, width, height);
    gimp_preview_area_set_max_size(GIMP_PREVIEW_AREA(preview->area), width, height);
    GtkAllocation place = {0, 0, width, height};
    gtk_widget_get_allocation(preview->area, &place);
    place.width = width;
    place.height = height;
    gtk_widget_size_allocate(preview->area, &place); /* it keeps pixels of its allocation only */
    gimp_preview_area_draw(GIMP_PREVIEW_AREA(preview->area), 0, 0, width, height, type, pixels,
                           width * bytes);
}

static void draw_photo(Preview* preview) {
    static const GimpImageType types[] = {GIMP_GRAY_IMAGE, GIMP_GRAYA_IMAGE, GIMP_RGB_IMAGE,
                                          GIMP_RGBA_IMAGE};
    gint width = preview->width, height = preview->height, bytes = 0;
    guchar* pixels =
        gimp_drawable_get_thumbnail_data(preview->subject->layer, &width, &height, &bytes);
    if (pixels != NULL && bytes >= 1 && bytes <= 4)
        draw(preview, height, width, types[bytes - 1], pixels, bytes);
    g_free(pixels);
}

Preview* preview_new(const Method* method, const Subject* subject, Session* session) {
    Preview* preview = g_new0(Preview, 1);
    preview->method = method;
    preview->subject = subject;
    preview->session = session;
    const gdouble scale =
        MIN(MIN((gdouble)MOST_WIDTH / subject->width, (gdouble)MOST_HEIGHT / subject->height), 1.0);
    preview->width = MAX(1, (gint)(subject->width * scale));
    preview->height = MAX(1, (gint)(subject->height * scale));
    preview->short_side = MIN(preview->width, preview->height);
    preview->box = gtk_vbox_new(FALSE, 6);
    preview->area = gimp_preview_area_new();
    preview->bar = gtk_progress_bar_new();
    gtk_progress_bar_set_ellipsize(GTK_PROGRESS_BAR(preview->bar), PANGO_ELLIPSIZE_END);
    GtkWidget* middle = gtk_alignment_new(0.5, 0.5, 0, 0);
    gtk_container_add(GTK_CONTAINER(middle), preview->area);
    gtk_box_pack_start(GTK_BOX(preview->box), middle, TRUE, TRUE, 0);
    gtk_box_pack_end(GTK_BOX(preview->box), preview->bar, FALSE, FALSE, 0);
    gtk_widget_show_all(preview->box);
    draw_photo(preview);
    return preview;
}

GtkWidget* preview_widget(Preview* preview) { return preview->box; }

static void keep_progress(void* user, double done, const char* what) {
    Preview* preview = user;
    g_atomic_int_set(&preview->permille, (gint)(done * 1000));
    (void)what;
}

/* In the thread. */
static gboolean compute(Preview* preview) {
    const Watch watch = {preview->cancel, keep_progress, preview};
    if (!session_prepare(preview->session, &preview->settings, &watch, &preview->error) ||
        !session_preview_size(preview->session, preview->short_side, &preview->height,
                              &preview->width, &preview->error))
        return FALSE;
    preview->rgb = g_malloc((gsize)preview->height * (gsize)preview->width * 3);
    const cd_target target = {
        preview->rgb, preview->height, preview->width, (ptrdiff_t)preview->width * 3, 0, CD_RGB8};
    const Watch quiet = {preview->cancel, NULL, NULL};
    return session_render(preview->session, &preview->settings, &preview->guide,
                          preview->short_side, &target, &quiet, &preview->error);
}

static void start(Preview* preview);

static gboolean finished(gpointer data) {
    Preview* preview = data;
    g_thread_join(preview->thread);
    preview->thread = NULL;
    g_source_remove((guint)preview->tick);
    guide_clear(&preview->guide);
    gtk_progress_bar_set_fraction(GTK_PROGRESS_BAR(preview->bar), 0);
    if (preview->error == NULL)
        draw(preview, preview->height, preview->width, GIMP_RGB_IMAGE, preview->rgb, 3);
    say(preview, preview->error != NULL ? preview->error->message : "Preview");
    g_clear_pointer(&preview->rgb, g_free);
    g_clear_error(&preview->error);
    if (preview->again) start(preview);
    return G_SOURCE_REMOVE;
}

static gpointer work(gpointer data) {
    compute(data);
    g_idle_add(finished, data); /* GTK and GIMP belong to the first thread */
    return NULL;
}

static gboolean move_bar(gpointer data) {
    Preview* preview = data;
    gtk_progress_bar_set_fraction(GTK_PROGRESS_BAR(preview->bar),
                                  g_atomic_int_get(&preview->permille) / 1000.0);
    return G_SOURCE_CONTINUE;
}

static void start(Preview* preview) {
    GError* error = NULL;
    preview->again = FALSE;
    preview->settings = preview->wanted;
    if (!guide_read(preview->method, &preview->settings, preview->subject, &preview->guide,
                    &error)) {
        say(preview, error->message);
        g_clear_error(&error);
        return;
    }
    if (preview->cancel == NULL) cd_cancel_new(&preview->cancel);
    g_atomic_int_set(&preview->permille, 0);
    say(preview, "Computing");
    preview->tick = (gint)g_timeout_add(100, move_bar, preview);
    preview->thread = g_thread_new("preview", work, preview);
}

void preview_show(Preview* preview, const Settings* settings) {
    preview->wanted = *settings;
    preview->again = TRUE;
    if (preview->thread == NULL) start(preview);
}

void preview_free(Preview* preview) {
    if (preview->thread != NULL) {
        cd_cancel_set(preview->cancel);
        g_thread_join(preview->thread);
        g_source_remove((guint)preview->tick);
        g_idle_remove_by_data(preview);
    }
    cd_cancel_free(preview->cancel);
    guide_clear(&preview->guide);
    g_free(preview->rgb);
    g_clear_error(&preview->error);
    g_free(preview);
}
