#include "onnx_file.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace colordeploy::bundle {

namespace {

constexpr int DEEPEST = 64;

// Messages of onnx.proto, as far as they lead to tensors.
enum class Message { model, graph, node, attribute, function, sparse, tensor };

struct Way {
    Message from;
    std::uint64_t field;
    Message to;
};
constexpr Way WAYS[] = {
    {Message::model, 7, Message::graph},       {Message::model, 25, Message::function},
    {Message::graph, 1, Message::node},        {Message::graph, 5, Message::tensor},
    {Message::graph, 15, Message::sparse},     {Message::node, 5, Message::attribute},
    {Message::attribute, 5, Message::tensor},  {Message::attribute, 6, Message::graph},
    {Message::attribute, 10, Message::tensor}, {Message::attribute, 11, Message::graph},
    {Message::attribute, 22, Message::sparse}, {Message::attribute, 23, Message::sparse},
    {Message::function, 7, Message::node},     {Message::function, 11, Message::attribute},
    {Message::sparse, 1, Message::tensor},     {Message::sparse, 2, Message::tensor},
};
constexpr std::uint64_t EXTERNAL_DATA = 13, DATA_LOCATION = 14;  // of a tensor

std::optional<Message> leads(Message from, std::uint64_t field) {
    for (const Way& way : WAYS) {
        if (way.from == from && way.field == field) return way.to;
    }
    return std::nullopt;
}

// The fields of a protocol buffer's message, one after the other.
class Fields {
 public:
    explicit Fields(std::string_view message) : message_(message) {}

    bool next() {
        if (at_ >= message_.size()) return false;
        const std::uint64_t tag = varint();
        field = tag >> 3;
        const std::uint64_t wire = tag & 7;
        if (field == 0) throw MalformedGraph("a field has the number 0");
        inside.reset();
        if (wire == 0) {
            value = varint();
            return true;
        }
        std::uint64_t size = wire == 1 ? 8 : 4;
        if (wire == 2) {
            size = varint();
        } else if (wire != 1 && wire != 5) {
            throw MalformedGraph("a field has the unknown wire type " + std::to_string(wire));
        }
        if (size > message_.size() - at_) throw MalformedGraph("it ends too early");
        inside = message_.substr(at_, static_cast<std::size_t>(size));
        at_ += static_cast<std::size_t>(size);
        return true;
    }

    std::uint64_t field = 0, value = 0;
    std::optional<std::string_view> inside;  // nothing where it is a number

 private:
    std::uint64_t varint() {
        std::uint64_t number = 0;
        for (int shift = 0; shift < 70; shift += 7) {
            if (at_ >= message_.size()) throw MalformedGraph("it ends too early");
            const auto byte = static_cast<unsigned char>(message_[at_++]);
            if (shift < 64) number |= std::uint64_t{byte & 0x7FU} << shift;
            if (byte < 0x80) return number;
        }
        throw MalformedGraph("a number has too many bytes");
    }

    std::string_view message_;
    std::size_t at_ = 0;
};

bool external(std::string_view message, Message kind, int depth) {
    if (depth > DEEPEST) throw MalformedGraph("its parts are nested too deeply");
    Fields fields(message);
    while (fields.next()) {
        if (kind == Message::tensor) {
            if (fields.field == EXTERNAL_DATA) return true;
            if (fields.field == DATA_LOCATION && !fields.inside && fields.value == 1) return true;
            continue;
        }
        const auto to = leads(kind, fields.field);
        if (to && fields.inside && external(*fields.inside, *to, depth + 1)) return true;
    }
    return false;
}

}  // namespace

bool has_external_data(std::string_view content) { return external(content, Message::model, 0); }

}  // namespace colordeploy::bundle
