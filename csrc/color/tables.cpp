#include "tables.hpp"

#include "../isa/isa.hpp"
#include "spaces.hpp"

namespace colordeploy::color {

COLORDEPLOY_DECLARE_TABLES(ColorTable, color_table)

namespace {

constexpr double HALF_LEVEL = 0.5 / 255.0;

Tables filled() {
    Tables tables;
    for (int k = 0; k < 256; ++k) {
        tables.thresholds[k] = static_cast<float>(linear_of((k - 0.5) / 255.0));
    }
    tables.thresholds[256] = 2.0F;
    int level = 0;
    for (int cell = 0; cell < Tables::CELLS; ++cell) {
        const float begin = static_cast<float>(cell) / Tables::CELLS;
        while (begin >= tables.thresholds[level + 1]) ++level;
        tables.levels[cell] = level;
    }
    for (int k = 0; k <= Tables::CELLS; ++k) {
        tables.decoded[k] = static_cast<float>(linear_of(static_cast<double>(k) / Tables::CELLS));
    }
    tables.decoded[Tables::CELLS + 1] = tables.decoded[Tables::CELLS];
    return tables;
}

}  // namespace

const Tables& tables() {
    static const Tables made = filled();
    return made;
}

const RowTables& row_tables() {
    static constexpr auto luma = rounded(LUMA);
    static constexpr auto chroma_to_rgb = rounded(CHROMA_TO_RGB);
    static constexpr auto rgb_to_xyz = rounded(RGB_TO_XYZ);
    static constexpr auto xyz_to_rgb = rounded(XYZ_TO_RGB);
    static const RowTables made{tables().levels.data(),
                                tables().thresholds.data(),
                                tables().decoded.data(),
                                static_cast<float>(linear_of(-HALF_LEVEL)),
                                static_cast<float>(linear_of(1.0 + HALF_LEVEL)),
                                luma.data(),
                                chroma_to_rgb.data(),
                                rgb_to_xyz.data(),
                                xyz_to_rgb.data()};
    return made;
}

const ColorTable& color_table() { return COLORDEPLOY_CHOOSE_TABLE(color_table); }

}  // namespace colordeploy::color
