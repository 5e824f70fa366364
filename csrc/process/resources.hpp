// What this process may use: processors and memory, whatever the machine has.
//
// Linux' control groups (containers, systemd-run, batch systems) and the limits of the process
// (ulimit) are heeded; elsewhere the machine's own figures count.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

namespace colordeploy::process {

// How many processors this process may keep busy: its affinity, and its groups' quota. root: where
// proc and sys are.
int processors(const std::filesystem::path& root = "/");

// Numbers of the processors that this process may run on; none where that is not known.
std::vector<int> allowed_processors();

// Cores that processors belong to: two hardware threads of one core have one set of multipliers
// between them. topology: where Linux describes its processors.
int cores(const std::vector<int>& numbers = allowed_processors(),
          const std::filesystem::path& topology = "/sys/devices/system/cpu");

// Bytes that this process may still take, the least of what the machine has free, what the control
// groups allow and what ulimit -v and -d allow; nothing where that is not known. Memory that only
// caches files counts as free.
std::optional<std::int64_t> free_memory(const std::filesystem::path& root = "/");

// Threads of a graph: as many as asked for, or (0) one for each core that this process may use.
int graph_threads(int wanted);
// Threads of other work: as many as asked for, 64 at most, or (0) one for each processor, eight at
// most: more take turns at the few large fronts rather than to speed them up.
int core_threads(int wanted);

}  // namespace colordeploy::process
