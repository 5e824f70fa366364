#include "resources.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <sys/resource.h>
#include <unistd.h>
#endif

namespace colordeploy::process {

namespace {

namespace fs = std::filesystem;

constexpr int MAXIMUM_THREADS = 8, MAXIMUM_ASKED = 64;  // each takes working memory of its own

std::string content(const fs::path& path) {
    std::ifstream file(path);
    std::ostringstream text;
    if (file) text << file.rdbuf();
    return text.str();
}

std::vector<std::string> words(const std::string& text) {
    std::istringstream stream(text);
    std::vector<std::string> found;
    for (std::string word; stream >> word;) found.push_back(word);
    return found;
}

// A whole number without a sign; "max" is none.
std::optional<std::int64_t> number(const std::string& word) {
    std::int64_t value = 0;
    const char* end = word.data() + word.size();
    if (word.empty() || word[0] == '-') return std::nullopt;
    const auto [at, error] = std::from_chars(word.data(), end, value);
    if (error != std::errc() || at != end) return std::nullopt;
    return value;
}

std::optional<std::int64_t> number_in(const fs::path& path) {
    const auto all = words(content(path));
    return all.size() == 1 ? number(all[0]) : std::nullopt;
}

// The value of a line that begins with a name.
std::optional<std::int64_t> field(const fs::path& path, const std::string& name) {
    std::istringstream lines(content(path));
    for (std::string line; std::getline(lines, line);) {
        const auto all = words(line);
        if (all.size() < 2 || all[0] != name) continue;
        if (const auto value = number(all[1])) return value;
    }
    return std::nullopt;
}

std::optional<std::int64_t> kilobytes(const fs::path& path, const std::string& name) {
    const auto found = field(path, name);
    return found ? std::optional(1024 * *found) : std::nullopt;
}

std::vector<std::string> split(const std::string& text, char at, std::size_t most) {
    std::vector<std::string> parts;
    std::size_t begin = 0;
    while (parts.size() + 1 < most) {
        const std::size_t end = text.find(at, begin);
        if (end == std::string::npos) break;
        parts.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    parts.push_back(text.substr(begin));
    return parts;
}

// Folders of the control groups that this process is in, its own before the outer ones.
std::vector<fs::path> groups(const fs::path& root, const std::string& controller) {
    const fs::path top = root / "sys" / "fs" / "cgroup";
    std::vector<fs::path> found;
    std::istringstream lines(content(root / "proc" / "self" / "cgroup"));
    for (std::string line; std::getline(lines, line);) {
        auto parts = split(line, ':', 3);
        parts.resize(3);
        const std::string& controllers = parts[1];
        const auto named = split(controllers, ',', static_cast<std::size_t>(-1));
        if (!controllers.empty() &&
            std::find(named.begin(), named.end(), controller) == named.end()) {
            continue;
        }
        // Version 2 has one tree, at the top or, beside version 1, below "unified".
        const std::vector<std::string> trees =
            controllers.empty() ? std::vector<std::string>{"", "unified"}
                                : std::vector<std::string>{controllers, controller};
        // In a container the path is often that on the host, which does not exist inside.
        std::vector<std::string> steps;
        for (const std::string& step : split(parts[2], '/', static_cast<std::size_t>(-1))) {
            if (!step.empty()) steps.push_back(step);
        }
        for (const std::string& tree : trees) {
            for (std::size_t depth = steps.size() + 1; depth-- > 0;) {
                fs::path folder = tree.empty() ? top : top / tree;
                for (std::size_t i = 0; i < depth; ++i) folder /= steps[i];
                std::error_code error;
                if (!fs::is_directory(folder, error)) continue;
                if (std::find(found.begin(), found.end(), folder) == found.end()) {
                    found.push_back(folder);
                }
            }
        }
    }
    return found;
}

// Processors that a group may keep busy.
std::optional<double> quota(const fs::path& folder) {
    auto found = words(content(folder / "cpu.max"));
    if (found.empty()) {
        for (const char* name : {"cpu.cfs_quota_us", "cpu.cfs_period_us"}) {
            for (const std::string& word : words(content(folder / name))) found.push_back(word);
        }
    }
    if (found.size() != 2) return std::nullopt;
    const auto share = number(found[0]), period = number(found[1]);
    if (!share || !period || *period == 0) return std::nullopt;  // "max", "-1"
    return static_cast<double>(*share) / static_cast<double>(*period);
}

// What each group over this process may still take.
void of_groups(const fs::path& root, std::vector<std::int64_t>& found) {
    struct Files {
        const char *limit, *used, *cache;
    };
    for (const fs::path& folder : groups(root, "memory")) {
        for (const Files& files :
             {Files{"memory.max", "memory.current", "inactive_file"},
              Files{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"}}) {
            const auto most = number_in(folder / files.limit);
            const auto taken = number_in(folder / files.used);
            if (!most || !taken) continue;
            found.push_back(*most - *taken +
                            field(folder / "memory.stat", files.cache).value_or(0));
        }
    }
}

#if defined(__unix__) || defined(__APPLE__)
void of_limits(const fs::path& root, std::vector<std::int64_t>& found) {
    const fs::path status = root / "proc" / "self" / "status";
    struct Limit {
        decltype(RLIMIT_AS) resource;
        const char* used;
    };
    for (const Limit& limit : {Limit{RLIMIT_AS, "VmSize:"}, Limit{RLIMIT_DATA, "VmData:"}}) {
        rlimit most{};
        if (getrlimit(limit.resource, &most) != 0 || most.rlim_cur == RLIM_INFINITY) continue;
        if (const auto taken = kilobytes(status, limit.used)) {
            found.push_back(static_cast<std::int64_t>(most.rlim_cur) - *taken);
        }
    }
}

std::optional<std::int64_t> installed() {
    const long page = sysconf(_SC_PAGE_SIZE), pages = sysconf(_SC_PHYS_PAGES);
    if (page <= 0 || pages <= 0) return std::nullopt;
    return static_cast<std::int64_t>(page) * pages;
}
#else
void of_limits(const fs::path&, std::vector<std::int64_t>&) {}
std::optional<std::int64_t> installed() { return std::nullopt; }
#endif

int present() { return std::max(1, static_cast<int>(std::thread::hardware_concurrency())); }

}  // namespace

std::vector<int> allowed_processors() {
    std::vector<int> found;
#if defined(__linux__)
    for (int most = 1024; most <= 1 << 20; most *= 4) {
        cpu_set_t* set = CPU_ALLOC(static_cast<std::size_t>(most));
        if (set == nullptr) break;
        const std::size_t size = CPU_ALLOC_SIZE(static_cast<std::size_t>(most));
        CPU_ZERO_S(size, set);
        const bool told = sched_getaffinity(0, size, set) == 0;
        for (int i = 0; told && i < most; ++i) {
            if (CPU_ISSET_S(static_cast<std::size_t>(i), size, set)) found.push_back(i);
        }
        CPU_FREE(set);
        if (told) break;
    }
#endif
    return found;
}

int processors(const fs::path& root) {
    const auto own = static_cast<int>(allowed_processors().size());
    int count = own > 0 ? own : present();
    for (const fs::path& folder : groups(root, "cpu")) {
        if (const auto share = quota(folder)) {
            count = std::min(count, std::max(1, static_cast<int>(std::ceil(*share))));
        }
    }
    return count;
}

int cores(const std::vector<int>& numbers, const fs::path& topology) {
    if (numbers.empty()) return present();
    std::set<std::string> found;
    for (const int processor : numbers) {
        const std::string name = std::to_string(processor);
        const auto siblings =
            words(content(topology / ("cpu" + name) / "topology" / "thread_siblings_list"));
        found.insert(siblings.empty() ? name : siblings[0]);
    }
    return static_cast<int>(found.size());
}

std::optional<std::int64_t> free_memory(const fs::path& root) {
    std::vector<std::int64_t> found;
    of_groups(root, found);
    of_limits(root, found);
    auto machine = kilobytes(root / "proc" / "meminfo", "MemAvailable:");
    if (!machine) machine = installed();
    if (machine) found.push_back(*machine);
    if (found.empty()) return std::nullopt;
    return std::max<std::int64_t>(0, *std::min_element(found.begin(), found.end()));
}

int graph_threads(int wanted) {
    return wanted > 0 ? wanted : std::max(1, std::min(processors(), cores()));
}

int core_threads(int wanted) {
    return wanted > 0 ? std::min(wanted, MAXIMUM_ASKED) : std::min(processors(), MAXIMUM_THREADS);
}

}  // namespace colordeploy::process
