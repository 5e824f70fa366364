// Where the library was installed.
#pragma once

#include <filesystem>

namespace colordeploy::c {

// The folder of the bundles that were installed with it.
std::filesystem::path installed_bundles();

}  // namespace colordeploy::c
