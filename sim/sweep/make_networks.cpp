#include "sim/sweep/make_networks.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include <spdlog/spdlog.h>

#include "common/error.h"
#include "common/process.h"
#include "common/read_file.h"

namespace shiftsim::sim {
namespace {

namespace fs = std::filesystem;

/// A lock on a file, waited for; the system releases it when the process ends.
class FileLock {
public:
  explicit FileLock(const fs::path& file) : descriptor_(open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
    if (descriptor_ < 0) fail("{}: cannot be written: {}", file.string(), std::strerror(errno));
    while (flock(descriptor_, LOCK_EX) != 0) {
      if (errno != EINTR) fail("{}: cannot be locked: {}", file.string(), std::strerror(errno));
    }
  }
  ~FileLock() { close(descriptor_); }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

private:
  int descriptor_;
};

std::vector<std::string> command(const NetworkToMake& wanted, const fs::path& quantrun) {
  const QuantizeConfig& q = wanted.quantize;
  std::vector<std::string> words = {quantrun.string(), "--model", q.model, "--calibration", q.calibration};
  if (!q.recipe.empty()) words.insert(words.end(), {"--recipe", q.recipe});
  if (!q.bits.empty()) words.insert(words.end(), {"--bits", q.bits});
  if (!q.calibration_labels.empty()) words.insert(words.end(), {"--calibration-labels", q.calibration_labels});
  words.insert(words.end(), {"--output", wanted.network.string()});
  return words;
}

/// quantrun's message: its last line.
std::string last_line(const fs::path& log) {
  std::string text = read_file(log);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

}  // namespace

MakeNetwork made_by_program(const fs::path& quantrun) {
  return [quantrun](const NetworkToMake& wanted) {
    const fs::path log = wanted.network.string() + ".log";
    const std::vector<std::string> words = command(wanted, quantrun);
    const int status = run_process(words, log);
    if (status == 0) return;
    fail("{}: cannot be made: quantrun ended with status {}: {}\nThe command: {}", wanted.network.string(), status,
         last_line(log), shell_line(words));
  };
}

void make_networks(const std::vector<NetworkToMake>& networks, const MakeNetwork& make) {
  for (std::size_t i = 0; i < networks.size(); ++i) {
    const fs::path& network = networks[i].network;
    fs::create_directories(network.parent_path());
    const FileLock lock(network.string() + ".lock");
    if (fs::exists(network)) continue;
    spdlog::info("quantize: network {} of {}: {}", i + 1, networks.size(), network.filename().string());
    make(networks[i]);
  }
}

}  // namespace shiftsim::sim
