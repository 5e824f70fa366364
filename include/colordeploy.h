/* colordeploy.h: pictures in, colours out, from C (C11) and C++ (C++11 and later).
 *
 * Prepare once, render often. `cd_load` opens a model, `cd_prepare` computes what depends on a
 * picture alone (when it is opened), one of the `cd_render_...` what depends on the guidance (on
 * every edit), and writes any rectangle of the result into the host's memory.
 *
 *     cd_model* model = NULL;
 *     cd_canvas* canvas = NULL;
 *     if (cd_load("lga", NULL, &model) || cd_prepare(model, &photo, NULL, &canvas) ||
 *         cd_render_strokes(canvas, &strokes, NULL, NULL, &target)) {
 *         fprintf(stderr, "%s\n", cd_last_error());
 *     }
 *     cd_canvas_free(canvas);
 *     cd_model_free(model);
 *
 * Errors. Every call that can fail returns a status, CD_OK (0) or what kind of error it is; then
 * `cd_last_error` of the same thread says what was wrong and what to do. A call that fails writes
 * no handle; a target may be half-written. A null handle or a null pointer that is not said to be
 * optional is CD_INPUT, never a crash. No exception leaves the library.
 *
 * Lifetime. Handles are freed by the host, once each, in any order: a canvas keeps what it needs
 * of its model, a model may be freed before its canvases. NULL may be freed. Using a handle after
 * it was freed, freeing it twice, or while another thread uses it, is the host's fault, and so are
 * pictures, targets and arrays that are smaller than their sizes and strides say. Pictures and
 * guidance are read during the call only.
 *
 * Threads. All functions may be called from any thread, also on one model or one canvas at a time:
 * renders of one canvas may run at once and give the same bits. Models of one process share their
 * idle memory. After fork(), load anew in the child.
 *
 * Units. Rows y before columns x. Positions are in pixels of the picture, pixel centres at whole
 * numbers; rectangles end exclusive. Colours are sRGB, gamma-encoded: 8 bits 0 ... 255, 16 bits
 * 0 ... 65535 (native byte order), floats 0 ... 1. L is 0 ... 100, a and b about -110 ... 110 (CIE
 * Lab, D65). Shares and probabilities are 0 ... 1. The same input gives the same bits as the Python
 * package of the same version, on the same ONNX Runtime with as many threads.
 *
 * Structs. The first field of structs of options is their size. Fill them by their _INIT macro,
 * then change fields: a field that a later version adds has its default for a program compiled
 * before. Any options may be NULL: all defaults.
 */
#ifndef COLORDEPLOY_H
#define COLORDEPLOY_H

#include <stddef.h>
#include <stdint.h>

#if defined(CD_STATIC)
#define CD_API
#elif defined(_WIN32)
#if defined(CD_BUILDING)
#define CD_API __declspec(dllexport)
#else
#define CD_API __declspec(dllimport)
#endif
#else
#define CD_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- What the library is ---------------------------------------------------------------- */

/* Number of this interface; it changes when a program must be compiled anew. */
#define CD_ABI 1

CD_API uint32_t cd_abi(void);        /* of the library that was loaded: compare with CD_ABI */
CD_API const char* cd_version(void); /* such as "1.2.0" */

typedef int32_t cd_status;
enum {
    CD_OK = 0,
    CD_INPUT = 1,     /* an argument, a picture or guidance cannot be used as given */
    CD_BUNDLE = 2,    /* a model is missing, damaged or of an unknown kind */
    CD_BACKEND = 3,   /* the runtime, a device or a graph cannot be used */
    CD_SOLVER = 4,    /* the system cannot be solved: singular, or it does not fit into memory */
    CD_CANCELLED = 5, /* stopped by its cd_cancel; model and canvas stay usable */
    CD_MEMORY = 6,    /* memory ran out; model and canvas stay usable */
    CD_INTERNAL = 7   /* a fault of the library: please report it */
};

/* What the last call of this thread that failed found wrong; "" before. Valid until the next call
 * of this thread that fails. UTF-8. */
CD_API const char* cd_last_error(void);

/* ---- Pictures ---------------------------------------------------------------------------- */

/* Channels side by side; alpha is straight: colours are not multiplied by it. */
typedef int32_t cd_format;
enum {
    CD_GRAY8 = 1, /* uint8_t */
    CD_RGB8 = 2,
    CD_RGBA8 = 3,
    CD_BGRA8 = 4,
    CD_GRAY16 = 5, /* uint16_t */
    CD_RGB16 = 6,
    CD_RGBA16 = 7,
    CD_BGRA16 = 8,
    CD_GRAYF = 9, /* float */
    CD_RGBF = 10,
    CD_RGBAF = 11,
    CD_BGRAF = 12,
    CD_LABF = 13, /* float CIE L, a, b: for targets */
    CD_ABF = 14   /* float CIE a, b: for cd_mending.base */
};

/* A picture in the host's memory, not owned. */
typedef struct cd_image {
    const void* data;      /* of row 0, column 0; aligned for its type, as are the strides */
    int32_t height, width; /* at least 1 each */
    ptrdiff_t row_bytes;   /* from a row to the next, of any sign */
    ptrdiff_t pixel_bytes; /* from a pixel to the next, of any sign; 0: side by side */
    cd_format format;
} cd_image;

/* Memory for a result: CD_RGB8, CD_RGBA8, CD_BGRA8, the same of 16 bits, or CD_LABF. Three channels
 * are written; alpha, and what lies between pixels, stays as it is. */
typedef struct cd_target {
    void* data;
    int32_t height, width; /* of what is rendered: the region's, the preview's or the picture's */
    ptrdiff_t row_bytes, pixel_bytes;
    cd_format format;
} cd_target;

typedef struct cd_rect {
    int32_t y0, x0, y1, x1; /* ends exclusive */
} cd_rect;

/* ---- Cancelling, progress, log ------------------------------------------------------------ */

/* A request to stop, made in one thread and heeded in others. One may be given to several calls;
 * once set it stays so. Kernels of ONNX Runtime that cannot be stopped go on without the call. */
typedef struct cd_cancel cd_cancel;
CD_API cd_status cd_cancel_new(cd_cancel** cancel);
CD_API void cd_cancel_set(cd_cancel* cancel);         /* from any thread, but no signal handler */
CD_API int32_t cd_cancelled(const cd_cancel* cancel); /* 1 once set; 0, also for NULL */
CD_API void cd_cancel_free(cd_cancel* cancel);        /* when no call has it any more */

/* Called in the calling thread with the share done and what comes now. */
typedef void (*cd_progress)(void* user, double done, const char* what);

typedef int32_t cd_level;
enum { CD_DEBUG = 10, CD_INFO = 20, CD_WARNING = 30 };
/* What is worth knowing: where graphs run, strokes outside of the picture, fallbacks. In the thread
 * of the call it is about. The library itself prints nothing. */
typedef void (*cd_log)(void* user, cd_level level, const char* text);

/* ---- Models ------------------------------------------------------------------------------- */

typedef struct cd_model cd_model;

typedef int32_t cd_type;
enum { CD_FLOAT32 = 1, CD_INT64 = 7, CD_BOOL = 9 }; /* the numbers of ONNX */

#define CD_MAXIMUM_RANK 8

typedef struct cd_tensor {
    const char* name;
    const void* data; /* row-major, contiguous */
    cd_type type;
    int32_t rank;
    int64_t shape[CD_MAXIMUM_RANK];
} cd_tensor;

/* Where a runtime puts a graph's outputs. */
typedef struct cd_outputs cd_outputs;
/* Copies a tensor; its data may be freed afterwards. */
CD_API cd_status cd_output(cd_outputs* outputs, const cd_tensor* tensor);

/* A host's own runtime for graphs, instead of ONNX Runtime. Calls of several threads may run at
 * once. A callback returns CD_OK or an error's status, which the call that needed it returns. */
typedef struct cd_runtime {
    size_t size;
    void* user;
    /* Given each graph's ONNX file once, when a model is loaded; NULL where the host knows them. */
    cd_status (*open)(void* user, const char* graph, const void* onnx, size_t bytes);
    /* Hands every output over by cd_output. `cancel` (may be NULL) may be asked by cd_cancelled. */
    cd_status (*run)(void* user, const char* graph, const cd_tensor* inputs, size_t count,
                     const cd_cancel* cancel, cd_outputs* outputs);
    void (*close)(void* user); /* when the last canvas and the model are freed; may be NULL */
} cd_runtime;
#define CD_RUNTIME_INIT {sizeof(cd_runtime), NULL, NULL, NULL, NULL}

typedef struct cd_load_options {
    size_t size;
    /* Folder that holds bundles by name; NULL: $COLORDEPLOY_BUNDLES, else the installed ones, in
     * share/colordeploy/bundles beside the library. */
    const char* bundles;
    /* "auto" or "cpu"; NULL: "auto". This library computes on the CPU; for GPUs give a runtime. */
    const char* device;
    /* ONNX Runtime's library, 1.18 or later; NULL: $COLORDEPLOY_ONNXRUNTIME, else what the loader
     * of the system finds as libonnxruntime.so. It is opened when a model first needs it, and its
     * telemetry stays off (ORT_DISABLE_TELEMETRY is set for this process and its children). */
    const char* onnxruntime;
    const cd_runtime* runtime; /* instead of ONNX Runtime; NULL: none */
    int32_t threads;           /* of the CPU; 0: as many as this process may use */
    int32_t max_concurrency;   /* prepares and renders at once, the others wait; 0: no limit */
    const cd_cancel* cancel;
    cd_progress progress;
    void* progress_user;
    cd_log log; /* of the model and all that is made of it */
    void* log_user;
} cd_load_options;
#define CD_LOAD_OPTIONS_INIT \
    {sizeof(cd_load_options), NULL, NULL, NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL}

/* name: "levin", which has no networks; the name of a bundle in `bundles` ("lga", "disco", "sscn",
 * "rasc"); or the path of one, a folder or a .zip. */
CD_API cd_status cd_load(const char* name, const cd_load_options* options, cd_model** model);
CD_API void cd_model_free(cd_model* model);

typedef struct cd_model_info {
    size_t size;
    /* Valid as long as the model. */
    const char *name, *method, *version, *licence, *trained_on;
    int32_t working_size; /* short side at which colours are computed by default */
} cd_model_info;
CD_API cd_status cd_model_get_info(const cd_model* model, cd_model_info* info); /* set its size */

/* ---- A picture, prepared -------------------------------------------------------------------- */

typedef struct cd_canvas cd_canvas;

enum { CD_DEFAULT_SIZE = 0, CD_NATIVE_SIZE = -1 };

typedef struct cd_prepare_options {
    size_t size;
    /* Short side at which colours are computed, aspect ratio kept, never enlarged; or
     * CD_DEFAULT_SIZE: the model's, to which disco, lga and sscn also enlarge a picture of at least
     * a quarter of it; or CD_NATIVE_SIZE: the picture's own. */
    int32_t short_side;
    int32_t anchors; /* disco: how many to locate, at least 1 */
    uint64_t seed;   /* disco: of the clustering that locates them */
    /* rasc: balls that look for regions, in pixels of the drawing, decreasing, 0 to 31; none: by
     * the size of the drawing. */
    const int32_t* radii;
    size_t radius_count;
    const cd_cancel* cancel;
    cd_progress progress;
    void* progress_user;
} cd_prepare_options;
#define CD_PREPARE_OPTIONS_INIT \
    {sizeof(cd_prepare_options), CD_DEFAULT_SIZE, 8, 0, NULL, 0, NULL, NULL, NULL}

/* image: grey or colour, of which the lightness counts; what is transparent is laid over white.
 * rasc: a drawing, dark lines on light ground, or the opposite. A strip, three times as high as
 * wide or more, is coloured page by page where pages are found: each has a style of its own, and
 * those of long strips are prepared again when they are needed. Of a strip the picture is copied.
 */
CD_API cd_status cd_prepare(cd_model* model, const cd_image* image,
                            const cd_prepare_options* options, cd_canvas** canvas);
CD_API void cd_canvas_free(cd_canvas* canvas);

typedef struct cd_canvas_info {
    size_t size;
    const char* method;    /* valid as long as the canvas, as is: */
    const char* device;    /* "cpu", or what a host's runtime is: "host" */
    int32_t height, width; /* of the picture */
    int32_t working_height, working_width;
    size_t bytes; /* held for this picture */
} cd_canvas_info;
CD_API cd_status cd_canvas_get_info(const cd_canvas* canvas, cd_canvas_info* info);

/* ---- Rendering: what all methods share -------------------------------------------------------
 *
 * The colours of the last two guidances are kept: other regions and previews of the same guidance
 * solve nothing again. A region is bit for bit that part of the whole result. */

typedef struct cd_render_options {
    size_t size;
    const cd_rect* region; /* only that part of the result; NULL: all of it */
    int32_t short_side;    /* the whole result with that short side (a preview), never enlarged; 0:
                              the picture's own size. Not with a region. */
    double saturation;     /* chroma times 0 ... 2; at 1 strokes and hints are exact */
    const cd_cancel* cancel;
    cd_progress progress;
    void* progress_user;
} cd_render_options;
#define CD_RENDER_OPTIONS_INIT {sizeof(cd_render_options), NULL, 0, 1.0, NULL, NULL, NULL}

/* Height and width that a target must have for these options. */
CD_API cd_status cd_render_size(const cd_canvas* canvas, const cd_render_options* options,
                                int32_t* height, int32_t* width);

/* ---- levin, lga: strokes ----------------------------------------------------------------------
 */

typedef struct cd_stroke {
    const double*
        points;   /* y, x, y, x ...: corners in pixels, rounded to whole ones; one is a dot */
    size_t count; /* points, each two numbers; at least 1 */
    double width; /* in pixels, at least 1 */
    uint8_t rgb[3];
} cd_stroke;

/* A list of strokes, later ones on top; or a layer of them (CD_RGBA8 or CD_BGRA8, of the picture's
 * size, straight or multiplied by alpha). A pixel of a layer is marked where its alpha is at least
 * half of the largest alpha of its own stroke, so soft rims carry no colour. */
typedef struct cd_strokes {
    size_t size;
    const cd_stroke* list;
    size_t count;
    const cd_image* layer; /* instead of a list; NULL: the list */
} cd_strokes;
#define CD_STROKES_INIT {sizeof(cd_strokes), NULL, 0, NULL}

/* A coloured picture that strokes mend: it stays as it is but for where strokes say otherwise. */
typedef struct cd_mending {
    size_t size;
    /* Of the picture's size: a coloured picture, which keeps its own luma, or CD_ABF, which gets
     * the picture's. NULL: none. */
    const cd_image* base;
    double reach; /* how far a stroke changes it: 0 the stroke alone ... 1 the picture */
} cd_mending;
#define CD_MENDING_INIT {sizeof(cd_mending), NULL, 0.5}

/* strokes must hold a mark, unless there is a base. mending may be NULL. */
CD_API cd_status cd_render_strokes(cd_canvas* canvas, const cd_strokes* strokes,
                                   const cd_mending* mending, const cd_render_options* options,
                                   const cd_target* target);

/* Affinity of one pixel with every other, 0 ... 1, for display: height rows of width floats,
 * row_bytes apart. Computed at the working size. */
CD_API cd_status cd_affinity(cd_canvas* canvas, int32_t y, int32_t x, float* plane,
                             ptrdiff_t row_bytes, const cd_cancel* cancel);

/* ---- disco: anchors -----------------------------------------------------------------------------
 */

#define CD_CANDIDATES 10

typedef struct cd_candidate {
    double a, b, probability;
} cd_candidate;

/* A place of the picture whose colour decides that of all that is like it. Of anchors that a host
 * makes or changes, y, x, a and b count. */
typedef struct cd_anchor {
    double y, x, a, b;
    double lightness; /* L of the picture there; with cd_lab_color the colour to show */
    int32_t candidate_count;
    cd_candidate candidates[CD_CANDIDATES]; /* the most probable first */
} cd_anchor;

/* The anchors that were found, with the colours of a diverse result: sample 0 (the most probable
 * ones) to CD_CANDIDATES - 1. At most `room` are written; count becomes how many there are. */
CD_API cd_status cd_anchors(cd_canvas* canvas, int32_t sample, cd_anchor* anchors, size_t room,
                            size_t* count);

/* The same with the colours that another picture of this size, in colour, has there; relocate: also
 * placed by the clusters of that picture's colours. */
CD_API cd_status cd_anchors_from(cd_canvas* canvas, const cd_image* picture, int32_t relocate,
                                 cd_anchor* anchors, size_t room, size_t* count);

/* anchors: what the caller wants; NULL: automatic, by `sample` (0 with anchors). */
CD_API cd_status cd_render_anchors(cd_canvas* canvas, const cd_anchor* anchors, size_t count,
                                   int32_t sample, const cd_render_options* options,
                                   const cd_target* target);

/* The sRGB colour that a and b give at a lightness. */
CD_API void cd_lab_color(double lightness, double a, double b, uint8_t rgb[3]);
/* L, a and b of an sRGB colour, such as one that was picked for an anchor. */
CD_API void cd_color_lab(const uint8_t rgb[3], double lab[3]);

/* ---- sscn: a reference
 * ---------------------------------------------------------------------------- */

/* A picture that colours are taken from, encoded once for many canvases of models of its bundle. */
typedef struct cd_reference cd_reference;

/* image: in colour, at least 8x8. Of the options short_side, cancel and progress count. */
CD_API cd_status cd_encode_reference(cd_model* model, const cd_image* image,
                                     const cd_prepare_options* options, cd_reference** reference);
CD_API void cd_reference_free(cd_reference* reference);

typedef struct cd_selection {
    size_t size;
    int32_t k, r;   /* patches to look at: the most active, and random others; -1: the model's */
    uint64_t seed;  /* of the random ones */
    int32_t coarse; /* 1: the first stage alone, the reference's global tone */
} cd_selection;
#define CD_SELECTION_INIT {sizeof(cd_selection), -1, -1, 0, 0}

CD_API cd_status cd_render_reference(cd_canvas* canvas, const cd_reference* reference,
                                     const cd_selection* selection,
                                     const cd_render_options* options, const cd_target* target);

/* ---- rasc: line art
 * -------------------------------------------------------------------------------- */

typedef int32_t cd_style_kind;
enum {
    CD_STYLE_PREDICTED = 0, /* from the drawing */
    CD_STYLE_SEED = 1,
    CD_STYLE_CODE = 2, /* such as a mixture of two; its direction counts, not its length */
    CD_STYLE_HINTS = 3 /* white without a hint */
};

typedef struct cd_style {
    size_t size;
    cd_style_kind kind;
    uint64_t seed;     /* of CD_STYLE_SEED */
    const float* code; /* of CD_STYLE_CODE */
    size_t count;
    /* Dabs of colour, or NULL: a region with one has exactly its colour, or, where it is shaded,
     * one within two levels. */
    const cd_strokes* hints;
    int32_t flat; /* 1: one colour for each region, without shading */
} cd_style;
#define CD_STYLE_INIT {sizeof(cd_style), CD_STYLE_PREDICTED, 0, NULL, 0, NULL, 0}

/* style may be NULL: the predicted one. */
CD_API cd_status cd_render_style(cd_canvas* canvas, const cd_style* style,
                                 const cd_render_options* options, const cd_target* target);

/* The lines (colour and opacity) and the colours below them (opaque) apart: the one over the other
 * is what cd_render_style gives. Both targets are CD_RGBA8 or CD_BGRA8 of the picture's size; here
 * alpha is written. */
CD_API cd_status cd_render_layers(cd_canvas* canvas, const cd_style* style, const cd_cancel* cancel,
                                  const cd_target* lines, const cd_target* colors);

/* A small picture at the working size, for a host in which somebody chooses a style. */
CD_API cd_status cd_style_preview(cd_canvas* canvas, const cd_style* style, const cd_cancel* cancel,
                                  const cd_target* target);

/* Labels of the regions: 0 on lines, 1 ... K elsewhere; height rows of width numbers. */
CD_API cd_status cd_regions(cd_canvas* canvas, int32_t* labels, ptrdiff_t row_bytes);

/* The code of a style, predicted or of a seed, to mix it with others. At most `room` numbers are
 * written; count becomes how many it has. */
CD_API cd_status cd_style_code(cd_canvas* canvas, cd_style_kind kind, uint64_t seed, float* code,
                               size_t room, size_t* count);

/* ---- Memory
 * ------------------------------------------------------------------------------------------ */

/* Idle memory of the whole library, kept for the next picture, back to the system; returns the
 * bytes freed. Models and canvases stay as they are. */
CD_API size_t cd_trim(void);
/* The most idle bytes that are kept when nothing is in use; 64 MiB unless set. */
CD_API void cd_set_idle_limit(size_t bytes);

/* ---- The solver alone
 * ---------------------------------------------------------------------------------- */

/* The system (M + s (I - M) + alpha L + phi L_adj) x = M y of docs/scribble.md. */
typedef struct cd_system cd_system;

typedef struct cd_system_options {
    size_t size;
    double sigma, alpha, phi, screening; /* sigma above 0, the others at least 0 */
    int32_t global_step;                 /* spacing of the global points; 0: none */
    int32_t single_precision;            /* 1: half the memory and time, x to about 1e-6 */
    int32_t threads;                     /* 0: as many as this process may use, eight at most */
} cd_system_options;
#define CD_SYSTEM_OPTIONS_INIT {sizeof(cd_system_options), 1.0, 1.0, 1e-8, 0.0, 12, 0, 0}

/* features: height x width x channels, contiguous. */
CD_API cd_status cd_system_new(const float* features, int32_t height, int32_t width,
                               int32_t channels, const cd_system_options* options,
                               const cd_cancel* cancel, cd_system** system);
/* mask: height x width, not 0 where a pixel is marked; values and x: height x width x channels. */
CD_API cd_status cd_system_solve(cd_system* system, const uint8_t* mask, const double* values,
                                 int32_t channels, double* x, const cd_cancel* cancel);
CD_API void cd_system_free(cd_system* system);

#ifdef __cplusplus
}
#endif

#endif /* COLORDEPLOY_H */
