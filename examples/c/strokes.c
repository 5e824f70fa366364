/* The smallest program that colours a photo: strokes PHOTO.ppm OUT.ppm [MODEL] */
#include <colordeploy.h>
#include <stdio.h>
#include <stdlib.h>

static int failed(const char* what) {
    fprintf(stderr, "%s: %s\n", what, cd_last_error());
    return EXIT_FAILURE;
}

int main(int count, char** words) {
    int height, width, status = EXIT_FAILURE;
    FILE* file = count >= 3 ? fopen(words[1], "rb") : NULL;
    if (file == NULL || fscanf(file, "P6 %d %d 255", &width, &height) != 2 || fgetc(file) == EOF) {
        fprintf(stderr, "usage: strokes PHOTO.ppm OUT.ppm [MODEL]\n");
        return EXIT_FAILURE;
    }
    const size_t bytes = (size_t)height * (size_t)width * 3;
    unsigned char* pixels = malloc(bytes);
    if (pixels == NULL || fread(pixels, 1, bytes, file) != bytes) return EXIT_FAILURE;
    fclose(file);

    /* Prepared once, when the picture is opened. */
    cd_model* model = NULL;
    cd_canvas* canvas = NULL;
    const cd_image photo = {pixels, height, width, (ptrdiff_t)width * 3, 0, CD_RGB8};
    if (cd_load(count > 3 ? words[3] : "lga", NULL, &model)) return failed("loading");
    if (cd_prepare(model, &photo, NULL, &canvas)) return failed("preparing");

    /* Rendered on every edit: a red and a blue stroke. */
    const double upper[] = {height * 0.25, width * 0.2, height * 0.25, width * 0.8};
    const double lower[] = {height * 0.75, width * 0.2, height * 0.75, width * 0.8};
    const cd_stroke list[] = {{upper, 2, 9.0, {180, 40, 30}}, {lower, 2, 9.0, {30, 60, 170}}};
    cd_strokes strokes = CD_STROKES_INIT;
    strokes.list = list;
    strokes.count = 2;
    const cd_target target = {pixels, height, width, (ptrdiff_t)width * 3, 0, CD_RGB8};
    if (cd_render_strokes(canvas, &strokes, NULL, NULL, &target)) return failed("rendering");

    cd_canvas_free(canvas);
    cd_model_free(model);
    file = fopen(words[2], "wb");
    if (file != NULL && fprintf(file, "P6\n%d %d\n255\n", width, height) > 0 &&
        fwrite(pixels, 1, bytes, file) == bytes && fclose(file) == 0) {
        status = EXIT_SUCCESS;
    }
    free(pixels);
    return status;
}
