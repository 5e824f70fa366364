// What is read of a bundle: JSON, manifests, zip files, deflated data, ONNX files.
#include <unistd.h>

#include <string_view>

#include "../../../csrc/bundle/archive.hpp"
#include "../../../csrc/bundle/inflate.hpp"
#include "../../../csrc/bundle/json.hpp"
#include "../../../csrc/bundle/manifest.hpp"
#include "../../../csrc/bundle/onnx_file.hpp"
#include "../../../csrc/errors.hpp"
#include "host.hpp"

namespace {

using namespace colordeploy;

void zip(std::string_view content) {
    static const std::string path = "/dev/shm/fuzz-" + std::to_string(getpid()) + ".zip";
    std::FILE* file = std::fopen(path.c_str(), "wb");
    if (file == nullptr) std::abort();
    std::fwrite(content.data(), 1, content.size(), file);
    std::fclose(file);
    try {
        const auto archive = bundle::Archive::open(path);
        for (const std::string& name : archive->names()) {
            if (archive->size(name).value_or(0) < 1 << 20) archive->read(name);
        }
    } catch (const bundle::ArchiveError&) {
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view content(reinterpret_cast<const char*>(bytes) + 1, size - 1);
    try {
        switch (bytes[0] % 5) {
            case 0: {
                const std::string once = bundle::Json::parse(content).dump();
                if (bundle::Json::parse(once).dump() != once) std::abort();
                break;
            }
            case 1:
                bundle::Manifest::parse(content, "origin");
                break;
            case 2:
                zip(content);
                break;
            case 3:
                bundle::inflate(content, size * 7 % 4096);
                break;
            default:
                bundle::has_external_data(content);
        }
    } catch (const bundle::JsonError&) {
    } catch (const BundleError&) {
    } catch (const bundle::InflateError&) {
    } catch (const bundle::MalformedGraph&) {
    }
    return 0;
}
