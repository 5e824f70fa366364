// JSON, as far as manifests need it. Written here because a manifest's hash is that of its values
// as Python writes them (keys sorted, everything but ASCII escaped, numbers by their shortest
// form), which JSON libraries do not offer.
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace colordeploy::bundle {

struct JsonError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class Json {
 public:
    struct Null {};
    // A number by its canonical text: whole ones as they stand, others by Python's repr.
    struct Number {
        std::string text;
        bool whole;
    };
    using Array = std::vector<Json>;
    using Object =
        std::map<std::string, Json>;  // by the order of UTF-8, which is that of code points

    // Throws JsonError, for text that is no UTF-8 too.
    static Json parse(std::string_view text);

    // One line, canonical: as json.dumps(value, sort_keys=True).
    std::string dump() const;

    // Null where it is something else.
    const std::string* string() const { return std::get_if<std::string>(&value_); }
    const Number* number() const { return std::get_if<Number>(&value_); }
    const bool* boolean() const { return std::get_if<bool>(&value_); }
    const Array* array() const { return std::get_if<Array>(&value_); }
    const Object* object() const { return std::get_if<Object>(&value_); }
    Object* object() { return std::get_if<Object>(&value_); }

 private:
    friend class JsonParser;
    void dump(std::string& out) const;

    std::variant<Null, bool, Number, std::string, Array, Object> value_;
};

}  // namespace colordeploy::bundle
