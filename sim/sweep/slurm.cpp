#include "sim/sweep/slurm.h"

#include <algorithm>

#include "common/atomic_file.h"
#include "common/error.h"
#include "common/process.h"
#include "common/read_file.h"

namespace shiftsim::sim {
namespace {

namespace fs = std::filesystem;

/// sbatch wants a script. It takes the command as arguments, so that nothing of the user's is read by a shell.
constexpr const char* kScript = "#!/bin/sh\nexec \"$@\"\n";
constexpr const char* kArray = "--array=1-8";  // unless the options have another
constexpr int kNoProgram = 127;

/// A path in a pattern of sbatch, where % begins a number.
std::string pattern(const std::string& path) {
  std::string text;
  for (const char c : path) text += c == '%' ? std::string("%%") : std::string(1, c);
  return text;
}

}  // namespace

std::string submit_to_slurm(const fs::path& folder, const fs::path& simrun, const std::vector<std::string>& options) {
  const fs::path place = folder / "slurm";
  const fs::path script = place / "task.sh", answer = place / "sbatch.log";
  write_file_atomically(script, kScript);
  std::vector<std::string> words = {"sbatch",
                                    "--parsable",
                                    kArray,
                                    "--job-name=" + folder.filename().string(),
                                    "--output=" + pattern(place.string()) + "/%A_%a.log",
                                    "--open-mode=append"};
  words.insert(words.end(), options.begin(), options.end());
  words.insert(words.end(), {script.string(), simrun.string(), "sweep", "--join", folder.string()});
  const int status = run_process(words, answer);
  if (status == kNoProgram) fail("there is no sbatch: Slurm is not installed here");
  std::string text = read_file(answer);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  if (status != 0) fail("sbatch ended with status {}: {}", status, text);
  // Warnings stand before the number; a cluster's name behind it.
  const std::string last = text.substr(text.rfind('\n') + 1);
  return last.substr(0, last.find(';'));
}

}  // namespace shiftsim::sim
