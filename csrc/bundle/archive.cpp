#include "archive.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <map>
#include <string_view>

#include "inflate.hpp"

namespace colordeploy::bundle {

namespace fs = std::filesystem;

namespace {

class Folder : public Archive {
 public:
    explicit Folder(fs::path path) : path_(std::move(path)) {}

    std::optional<std::uint64_t> size(const std::string& name) const override {
        std::error_code error;
        const fs::path file = path_ / name;
        if (!fs::exists(file, error)) return std::nullopt;
        const std::uint64_t bytes = fs::file_size(file, error);
        if (error) throw ArchiveError(error.message());
        return bytes;
    }

    std::string read(const std::string& name) const override { return read_file(path_ / name); }

 private:
    fs::path path_;
};

// Zip files as they are made of bundles: one part, not encrypted, entries stored or deflated, below
// 4 GiB.
class Zip : public Archive {
 public:
    explicit Zip(const fs::path& path) : path_(path), file_(path, std::ios::binary) {
        file_.seekg(0, std::ios::end);
        if (!file_) throw ArchiveError("it cannot be read");
        const auto length = static_cast<std::uint64_t>(file_.tellg());
        // The end of the directory lies before a comment of at most 64 KiB.
        const std::uint64_t tail = std::min<std::uint64_t>(length, END + 0xFFFF);
        const std::string end = part(length - tail, tail);
        for (std::size_t at = end.size(); at >= END;) {
            --at;
            if (at + END > end.size() || number(end, at, 4) != 0x06054b50) continue;
            directory(number(end, at + 16, 4), number(end, at + 12, 4), number(end, at + 10, 2));
            return;
        }
        throw ArchiveError("File is not a zip file");
    }

    std::optional<std::uint64_t> size(const std::string& name) const override {
        const auto found = entries_.find(name);
        if (found == entries_.end()) return std::nullopt;
        return found->second.size;
    }

    std::string read(const std::string& name) const override {
        const Entry& entry = entries_.at(name);
        // The file may have been replaced, so it is opened anew; then nothing fits, which shows.
        file_ = std::ifstream(path_, std::ios::binary);
        const std::string head = part(entry.begin, LOCAL);
        if (number(head, 0, 4) != 0x04034b50) throw ArchiveError("an entry's head is damaged");
        const std::uint64_t begin = entry.begin + LOCAL + number(head, 26, 2) + number(head, 28, 2);
        if (entry.encrypted) throw ArchiveError("it is encrypted");
        std::string packed = part(begin, entry.packed);
        if (entry.method == 0 && entry.packed == entry.size) return packed;
        if (entry.method != 8) throw ArchiveError("it is packed by an unknown method");
        try {
            return inflate(packed, entry.size);
        } catch (const InflateError& error) {
            throw ArchiveError(error.what());
        }
    }

    std::vector<std::string> names() const override {
        std::vector<std::string> found;
        for (const auto& [name, entry] : entries_) found.push_back(name);
        return found;
    }

 private:
    static constexpr std::uint64_t END = 22, CENTRAL = 46, LOCAL = 30;  // bytes of heads
    static constexpr std::uint64_t MAXIMUM_DIRECTORY = 16 << 20;

    struct Entry {
        std::uint64_t begin, packed, size, method;
        bool encrypted;
    };

    static std::uint64_t number(std::string_view text, std::uint64_t at, int bytes) {
        std::uint64_t value = 0;
        for (int i = 0; i < bytes; ++i) {
            value |= std::uint64_t{static_cast<unsigned char>(
                         text[static_cast<std::size_t>(at) + static_cast<std::size_t>(i)])}
                     << (8 * i);
        }
        return value;
    }

    std::string part(std::uint64_t begin, std::uint64_t bytes) const {
        file_.clear();
        file_.seekg(0, std::ios::end);
        const auto length = static_cast<std::uint64_t>(std::max<std::streamoff>(0, file_.tellg()));
        if (begin > length || bytes > length - begin) throw ArchiveError("it ends too early");
        std::string text(static_cast<std::size_t>(bytes), '\0');
        file_.seekg(static_cast<std::streamoff>(begin));
        file_.read(text.data(), static_cast<std::streamsize>(bytes));
        if (!file_) throw ArchiveError("it cannot be read");
        return text;
    }

    void directory(std::uint64_t begin, std::uint64_t bytes, std::uint64_t count) {
        if (bytes > MAXIMUM_DIRECTORY) throw ArchiveError("its directory is too large");
        const std::string all = part(begin, bytes);
        std::uint64_t at = 0;
        for (std::uint64_t i = 0; i < count; ++i) {
            if (at + CENTRAL > all.size() || number(all, at, 4) != 0x02014b50) {
                throw ArchiveError("its directory is damaged");
            }
            const std::uint64_t length = number(all, at + 28, 2);
            const std::uint64_t rest = number(all, at + 30, 2) + number(all, at + 32, 2);
            if (at + CENTRAL + length > all.size()) throw ArchiveError("its directory is damaged");
            const std::string name = all.substr(static_cast<std::size_t>(at + CENTRAL),
                                                static_cast<std::size_t>(length));
            entries_[name] = {number(all, at + 42, 4), number(all, at + 20, 4),
                              number(all, at + 24, 4), number(all, at + 10, 2),
                              (number(all, at + 8, 2) & 1) != 0};
            at += CENTRAL + length + rest;
        }
    }

    fs::path path_;
    mutable std::ifstream file_;
    std::map<std::string, Entry> entries_;
};

}  // namespace

std::unique_ptr<Archive> Archive::open(const fs::path& path) {
    std::error_code error;
    if (fs::is_directory(path, error)) return std::make_unique<Folder>(path);
    return std::make_unique<Zip>(path);
}

std::string read_file(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    file.seekg(0, std::ios::end);
    const std::streamoff length = file ? static_cast<std::streamoff>(file.tellg()) : -1;
    if (length < 0) throw ArchiveError("it cannot be read");
    std::string content(static_cast<std::size_t>(length), '\0');
    file.seekg(0);
    file.read(content.data(), length);
    if (!file) throw ArchiveError("it cannot be read");
    return content;
}

}  // namespace colordeploy::bundle
