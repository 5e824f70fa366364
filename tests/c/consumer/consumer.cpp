// A host in C++17: consumer MODEL PHOTO.ppm OUT.ppm. Two threads render parts of one canvas.
#include <colordeploy.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

void check(cd_status status) {
    if (status != CD_OK) throw std::runtime_error(cd_last_error());
}

struct Free {
    void operator()(cd_model* model) const { cd_model_free(model); }
    void operator()(cd_canvas* canvas) const { cd_canvas_free(canvas); }
};

struct Picture {
    int height = 0, width = 0;
    std::vector<unsigned char> pixels;

    explicit Picture(const std::string& path) {
        std::ifstream file(path, std::ios::binary);
        std::string magic;
        int most = 0;
        file >> magic >> width >> height >> most;
        file.get();
        pixels.resize(static_cast<std::size_t>(height) * static_cast<std::size_t>(width) * 3);
        file.read(reinterpret_cast<char*>(pixels.data()),
                  static_cast<std::streamsize>(pixels.size()));
        if (!file || magic != "P6") throw std::runtime_error("no PPM: " + path);
    }
    std::ptrdiff_t row() const { return std::ptrdiff_t{3} * width; }
};

}  // namespace

int main(int count, char** words) try {
    if (count != 4 || cd_abi() != CD_ABI) throw std::runtime_error("consumer MODEL PHOTO OUT");
    Picture picture(words[2]);
    cd_model* model = nullptr;
    check(cd_load(words[1], nullptr, &model));
    const std::unique_ptr<cd_model, Free> held_model(model);
    const cd_image photo{
        picture.pixels.data(), picture.height, picture.width, picture.row(), 0, CD_RGB8};
    cd_canvas* canvas = nullptr;
    check(cd_prepare(model, &photo, nullptr, &canvas));
    const std::unique_ptr<cd_canvas, Free> held_canvas(canvas);

    const std::array<double, 4> upper{picture.height * 0.25, picture.width * 0.2,
                                      picture.height * 0.25, picture.width * 0.8};
    const std::array<double, 4> lower{picture.height * 0.75, picture.width * 0.2,
                                      picture.height * 0.75, picture.width * 0.8};
    const std::array<cd_stroke, 2> list{
        cd_stroke{upper.data(), 2, 9.0, {180, 40, 30}},
        cd_stroke{lower.data(), 2, 9.0, {30, 60, 170}},
    };
    cd_strokes strokes = CD_STROKES_INIT;
    strokes.list = list.data();
    strokes.count = list.size();

    std::vector<unsigned char> result(picture.pixels.size());
    const auto half = [&](int y0, int y1, cd_status& status) {
        const cd_rect region{y0, 0, y1, picture.width};
        cd_render_options options = CD_RENDER_OPTIONS_INIT;
        options.region = &region;
        const cd_target target{
            result.data() + y0 * picture.row(), y1 - y0, picture.width, picture.row(), 0, CD_RGB8};
        status = cd_render_strokes(canvas, &strokes, nullptr, &options, &target);
    };
    cd_status first = CD_INTERNAL, second = CD_INTERNAL;
    std::thread other([&] { half(0, picture.height / 2, first); });
    half(picture.height / 2, picture.height, second);
    other.join();
    check(first);
    check(second);

    std::ofstream file(words[3], std::ios::binary);
    file << "P6\n" << picture.width << ' ' << picture.height << "\n255\n";
    file.write(reinterpret_cast<const char*>(result.data()),
               static_cast<std::streamsize>(result.size()));
    return file ? EXIT_SUCCESS : EXIT_FAILURE;
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return EXIT_FAILURE;
}
