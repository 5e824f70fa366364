// What rows of pixels are made with, made once.
#pragma once

#include "rows.hpp"

namespace colordeploy::color {

const RowTables& row_tables();
const ColorTable& color_table();  // of the instruction set in use

}  // namespace colordeploy::color
